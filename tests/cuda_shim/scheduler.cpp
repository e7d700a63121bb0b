// Runs the fibers of a block until all have returned, and resolves what they wait for.
#include "cuda_runtime.h"
#include "fibers.h"
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" char __start_gendr_shared[] __attribute__((weak));
extern "C" char __stop_gendr_shared[] __attribute__((weak));

namespace gendr_shim {
namespace {

constexpr size_t stack_bytes = 128 << 10;
constexpr size_t stack_shift = 17 * 64; // between neighbours: stacks at multiples of 2^17 would share cache lines
constexpr int warp = 32;

enum State { runnable, at_barrier, at_meeting, returned };

struct Fiber {
    Context context;
    std::vector<char> stack = std::vector<char>(stack_bytes);
    State state;
    // What it brings to a barrier or meeting, and what it takes away.
    Collective what;
    unsigned mask;
    uint64_t value, result;
    int argument;
};

// Lanes of a warp, a bit each.
struct Lanes {
    unsigned meeting, returned;
};

std::vector<Fiber> fibers;
std::vector<Lanes> warps;
unsigned at_barriers; // threads
Context scheduler;
unsigned current, threads, block, blocks;
const std::function<void()> *body;
std::string failure;
Order order = Order::forward;
std::mt19937 random_numbers;
int launches_to_failure = -1, memsets_to_failure = -1; // none below 0
int error_left = cudaSuccess;
const char *failed_kernel = "";

// Whether what is asked for now is what is to fail.
bool counts_down_to_failure(int &remaining, cudaError_t error) {
    if (remaining < 0 || remaining-- > 0) return false;
    error_left = error;
    return true;
}

void wait(State state) {
    fibers[current].state = state;
    Context::change(fibers[current].context, scheduler);
}

void fail(const std::string &message) {
    failure = "thread " + std::to_string(current) + " of block " + std::to_string(block) + " " + message;
    wait(returned);
}

void enter() {
    (*body)();
    warps[current / warp].returned |= 1u << current % warp;
    wait(returned);
}

// Releases the barrier when every thread of the block is there.
void resolve_barrier() {
    if (++at_barriers < threads) return;
    at_barriers = 0;
    unsigned count = 0;
    for (unsigned i = 0; i < threads; ++i) count += fibers[i].value != 0;
    for (unsigned i = 0; i < threads; ++i) {
        fibers[i].result = count;
        fibers[i].state = runnable;
    }
}

uint64_t taken(const Fiber *lanes, int lane) {
    const Fiber &own = lanes[lane];
    int from = lane;
    if (own.what == shuffle) from = own.argument & (warp - 1);
    if (own.what == shuffle_up) from = lane >= own.argument ? lane - own.argument : lane;
    if (own.what == shuffle_xor) from = lane ^ own.argument;
    if (own.what == ballot) {
        uint64_t bits = 0;
        for (int i = 0; i < warp; ++i)
            if ((own.mask >> i) & 1) bits |= lanes[i].value << i;
        return bits;
    }
    // A lane that takes no part has nothing to give: the device leaves the value undefined.
    return (own.mask >> from) & 1 ? lanes[from].value : 0x7ff7ff7ff7ff7ff7;
}

// Releases the meeting of the current fiber's warp when all lanes of its mask are there for the same thing.
void resolve_meeting() {
    const unsigned first = current / warp * warp;
    Lanes &there = warps[current / warp];
    Fiber *lanes = &fibers[first];
    const Fiber &own = fibers[current];
    const unsigned gone = there.returned & own.mask;
    if (gone) return fail("waits for lane " + std::to_string(__builtin_ctz(gone)) + ", which has returned");
    there.meeting |= 1u << current % warp;
    if ((there.meeting & own.mask) != own.mask) return;
    for (unsigned i = 0; i < warp; ++i)
        if (((own.mask >> i) & 1) && (lanes[i].what != own.what || lanes[i].mask != own.mask))
            return fail("meets lane " + std::to_string(i) + ", which waits for something else");
    there.meeting &= ~own.mask;
    for (int i = 0; i < warp; ++i)
        if ((own.mask >> i) & 1) lanes[i].result = taken(lanes, i);
    for (int i = 0; i < warp; ++i)
        if ((own.mask >> i) & 1) lanes[i].state = runnable;
}

// The next fiber that can run, in the chosen order; `threads` if none can. Threads that take turns stay abreast, so
// that none overtakes where a barrier is missing. Warp by warp, as on a device, one runs as far as it gets, and the one
// that comes to a barrier last is the first to go on.
unsigned next_fiber(unsigned after) {
    const unsigned start = order == shuffled       ? random_numbers() % threads
                           : order == warp_by_warp ? after / warp * warp
                                                   : after;
    for (unsigned i = 0; i < threads; ++i) {
        const unsigned at = order == reverse ? (start + threads - i) % threads : (start + i) % threads;
        if (fibers[at].state == runnable) return at;
    }
    return threads;
}

void run_block(const char *kernel) {
    at_barriers = 0;
    for (unsigned i = 0; i < warps.size(); ++i) {
        const unsigned first = i * warp, here = first < threads ? threads - first : 0;
        warps[i] = {0, here < warp ? ~0u << here : 0}; // lanes that the block does not have count as returned
    }
    for (unsigned i = 0; i < threads; ++i) {
        fibers[i].state = runnable;
        fibers[i].context.start(fibers[i].stack.data(), stack_bytes - i % 32 * stack_shift, enter);
    }
    if (__start_gendr_shared) memset(__start_gendr_shared, 0xff, size_t(__stop_gendr_shared - __start_gendr_shared));
    unsigned at = order == reverse ? threads - 1 : 0;
    while ((at = next_fiber(at)) < threads) {
        current = at;
        Context::change(scheduler, fibers[at].context);
        if (!failure.empty()) throw std::runtime_error(std::string(kernel) + ": " + failure);
    }
    for (unsigned i = 0; i < threads; ++i)
        if (fibers[i].state != returned)
            throw std::runtime_error(
                std::string(kernel) + ": deadlock in block " + std::to_string(block) + ": thread " + std::to_string(i) +
                " waits for " + (fibers[i].state == at_barrier ? "the block" : "its warp") + ", and no thread can run");
}

} // namespace

void set_order(Order wanted, unsigned seed) {
    order = wanted;
    random_numbers.seed(seed);
}

void set_failing(int launch, int memset) {
    launches_to_failure = launch;
    memsets_to_failure = memset;
    failed_kernel = "";
}

bool memset_fails() { return counts_down_to_failure(memsets_to_failure, cudaErrorInvalidValue); }

int take_error() {
    const int error = error_left;
    error_left = cudaSuccess;
    return error;
}

void launch(const char *kernel, unsigned grid, unsigned size, const std::function<void()> &run) {
    if (counts_down_to_failure(launches_to_failure, cudaErrorLaunchOutOfResources)) {
        failed_kernel = kernel;
        return;
    }
    if (fibers.size() < size) {
        fibers.resize((size + warp - 1) / warp * warp);
        warps.resize(fibers.size() / warp);
    }
    blocks = grid;
    threads = size;
    body = &run;
    failure.clear();
    for (unsigned i = 0; i < grid; ++i) {
        block = order == reverse ? grid - 1 - i : i;
        run_block(kernel);
    }
}

gendr_shim_index this_thread() { return {current, 0, 0}; }
gendr_shim_index this_block() { return {block, 0, 0}; }
gendr_shim_index block_size() { return {threads, 1, 1}; }
gendr_shim_index grid_size() { return {blocks, 1, 1}; }

unsigned block_barrier(bool value) {
    Fiber &own = fibers[current];
    own.value = value;
    own.state = at_barrier;
    resolve_barrier();
    if (own.state != runnable) wait(at_barrier);
    return static_cast<unsigned>(own.result);
}

uint64_t meet(Collective what, unsigned mask, uint64_t value, int argument) {
    Fiber &own = fibers[current];
    own.what = what;
    own.mask = mask;
    own.value = value;
    own.argument = argument;
    own.state = at_meeting;
    if (!((mask >> (current % warp)) & 1)) fail("is not in the mask it waits with");
    resolve_meeting();
    if (own.state != runnable) wait(at_meeting);
    return own.result;
}

} // namespace gendr_shim

// What the tests call.
#define GENDR_EXPORT extern "C" __attribute__((visibility("default")))

GENDR_EXPORT void gendr_shim_order(int order, unsigned seed) {
    gendr_shim::set_order(static_cast<gendr_shim::Order>(order), seed);
}
GENDR_EXPORT void gendr_shim_fail(int launch, int memset) { gendr_shim::set_failing(launch, memset); }
GENDR_EXPORT const char *gendr_shim_failed_kernel() { return gendr_shim::failed_kernel; }
GENDR_EXPORT int gendr_shim_take_error() { return gendr_shim::take_error(); }
