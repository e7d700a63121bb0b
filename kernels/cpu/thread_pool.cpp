#include "thread_pool.h"
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace gendr {

namespace {

// Longer than the last task of most kernels takes, shorter than to sleep and be woken.
constexpr auto patience = std::chrono::microseconds(50);

void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

} // namespace

// One job at a time; callers queue at `entry`. Workers sleep until `generation` moves and they are among the `wanted`.
struct ThreadPool::State {
    std::mutex entry;
    std::mutex mutex;
    std::condition_variable start, finish;
    int workers = 0, wanted = 0;
    std::atomic<int> running{0};
    uint64_t generation = 0;
    void (*body)(void *, int) = nullptr;
    void *context = nullptr;
    int tasks = 0, sharers = 0;
    std::atomic<int> next{0};

    // Neighbours in runs, which threads write to without meeting in a cache line; ever shorter ones, so that all end
    // together.
    void take_tasks() {
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
            ++running;
            lock.unlock();
            take_tasks();
            lock.lock();
            if (--running == 0) finish.notify_one();
        }
    }

    void begin(int helpers, int count, void (*job)(void *, int), void *of_job) {
        std::lock_guard<std::mutex> lock(mutex);
        for (; workers < helpers; ++workers) std::thread(&State::work, this, workers).detach(); // end with the process
        body = job;
        context = of_job;
        tasks = count;
        sharers = 8 * (helpers + 1);
        next = 0;
        wanted = helpers;
        ++generation;
    }

    // Called when no task is left to take. Who has taken one is waited for; who is still asleep, or waits for a core
    // that others use, is not wanted any more.
    void end() {
        const auto began = std::chrono::steady_clock::now();
        while (running != 0 && std::chrono::steady_clock::now() - began < patience) pause();
        std::unique_lock<std::mutex> lock(mutex);
        wanted = 0;
        finish.wait(lock, [&] { return running == 0; });
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
    s.begin(helpers, tasks, body, context);
    s.start.notify_all();
    s.take_tasks();
    s.end();
}

} // namespace gendr
