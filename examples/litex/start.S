# The ROM's first instructions: a stack, no data to copy, then main.
  .section .text.start, "ax"
  .globl _start
_start:
  la sp, stack_end
  call main
1: j 1b
