// A stack of its own and a way to switch to it: six saved registers on x86-64, ucontext elsewhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#ifndef __x86_64__
#include <ucontext.h>
#endif

namespace gendr_shim {

#ifdef __x86_64__

extern "C" void gendr_shim_switch(void **save, void *load);
asm(R"(
.text
.type gendr_shim_switch, @function
gendr_shim_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size gendr_shim_switch, .-gendr_shim_switch
)");

struct Context {
    void *stack_pointer = nullptr;

    void start(char *stack, size_t size, void (*entry)()) {
        const uintptr_t top = (reinterpret_cast<uintptr_t>(stack) + size) & ~uintptr_t(15);
        void **at = reinterpret_cast<void **>(top) - 2; // as after a call: 8 bytes off the alignment
        *at = reinterpret_cast<void *>(entry);
        for (int i = 0; i < 6; ++i) *--at = nullptr;
        stack_pointer = at;
    }
    static void change(Context &from, Context &to) { gendr_shim_switch(&from.stack_pointer, to.stack_pointer); }
};

#else

struct Context {
    ucontext_t context;

    void start(char *stack, size_t size, void (*entry)()) {
        getcontext(&context);
        context.uc_stack.ss_sp = stack;
        context.uc_stack.ss_size = size;
        context.uc_link = nullptr;
        makecontext(&context, entry, 0);
    }
    static void change(Context &from, Context &to) { swapcontext(&from.context, &to.context); }
};

#endif

} // namespace gendr_shim
