#include "thread_pool.h"
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace gendr {

// One job at a time; callers queue at `entry`. Workers sleep until `generation` moves and they are among the `wanted`.
struct ThreadPool::State {
    std::mutex entry;
    std::mutex mutex;
    std::condition_variable start, finish;
    int workers = 0, wanted = 0, running = 0;
    uint64_t generation = 0;
    void (*body)(void *, int) = nullptr;
    void *context = nullptr;
    int tasks = 0;
    std::atomic<int> next{0};

    // Neighbours in runs, which threads write to without meeting in a cache line; ever shorter ones, so that all end
    // together.
    void take_tasks() {
        const int sharers = 8 * (wanted + 1);
        for (int first = next.load(); first < tasks;) {
            const int run = (tasks - first + sharers - 1) / sharers;
            if (!next.compare_exchange_weak(first, first + run)) continue;
            for (int task = first; task < first + run; ++task) body(context, task);
            first = next.load();
        }
    }

    void work(int rank) {
        uint64_t seen = 0;
        std::unique_lock<std::mutex> lock(mutex);
        for (;;) {
            start.wait(lock, [&] { return generation != seen; });
            seen = generation;
            if (rank >= wanted) continue;
            lock.unlock();
            take_tasks();
            lock.lock();
            if (--running == 0) finish.notify_one();
        }
    }

    // Called with `mutex` held. The threads are detached: they end with the process.
    void grow(int count) {
        for (; workers < count; ++workers) std::thread(&State::work, this, workers).detach();
    }
};

ThreadPool &ThreadPool::of_this_process() {
    static std::mutex mutex;
    static pid_t owner = 0;
    static ThreadPool pool(nullptr);
    std::lock_guard<std::mutex> lock(mutex);
    if (owner != getpid()) {
        owner = getpid();
        pool.state_ = new State; // never freed: sleeping threads use it until the process ends
    }
    return pool;
}

void ThreadPool::run(int threads, int tasks, void (*body)(void *, int), void *context) {
    State &s = *state_;
    const int helpers = (threads < tasks ? threads : tasks) - 1;
    if (helpers <= 0) {
        for (int task = 0; task < tasks; ++task) body(context, task);
        return;
    }
    std::lock_guard<std::mutex> one_job(s.entry);
    {
        std::lock_guard<std::mutex> lock(s.mutex);
        s.grow(helpers);
        s.body = body;
        s.context = context;
        s.tasks = tasks;
        s.next = 0;
        s.wanted = s.running = helpers;
        ++s.generation;
    }
    s.start.notify_all();
    s.take_tasks();
    std::unique_lock<std::mutex> lock(s.mutex);
    s.finish.wait(lock, [&] { return s.running == 0; });
}

} // namespace gendr
