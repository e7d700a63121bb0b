// A small persistent pool of threads. The caller takes part in the work.
#pragma once

namespace gendr {

class ThreadPool {
  public:
    // The pool of this process: a forked child makes its own instead of waiting for its parent's threads.
    static ThreadPool &of_this_process();

    // Runs body(context, task) for 0 <= task < tasks on up to `threads` threads, and returns when all are done.
    void run(int threads, int tasks, void (*body)(void *context, int task), void *context);

  private:
    struct State;
    State *state_;
    explicit ThreadPool(State *state) : state_(state) {}
};

} // namespace gendr
