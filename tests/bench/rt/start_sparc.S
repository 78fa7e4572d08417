/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Entry and system calls for 32-bit SPARC Linux.
 *
 * At entry the kernel has left argc above the 16-word save area of the first register window (SPARC Compliance
 * Definition, "Process Stack"). A system call is `ta 0x10` with the number in %g1 and the arguments in %o0-%o5; the
 * carry flag says that %o0 is an error number.
 */
	.section ".text"
	.align	4

	.globl	_start
	.type	_start, #function
_start:
	clr	%fp
	ld	[%sp + 64], %o0
	add	%sp, 68, %o1
	call	rt_start
	 sub	%sp, 96, %sp
	unimp	0
	.size	_start, . - _start

/* long rt_syscall(long number, long a, long b, long c, long d, long e, long f): the result, or -errno */
	.globl	rt_syscall
	.type	rt_syscall, #function
rt_syscall:
	mov	%o0, %g1
	mov	%o1, %o0
	mov	%o2, %o1
	mov	%o3, %o2
	mov	%o4, %o3
	mov	%o5, %o4
	ld	[%sp + 92], %o5
	ta	0x10
	bcc	1f
	 nop
	neg	%o0
1:	retl
	 nop
	.size	rt_syscall, . - rt_syscall

/* long rt_syscall2(long number, long *second, long a, ... long d): as above; *second gets %o1 */
	.globl	rt_syscall2
	.type	rt_syscall2, #function
rt_syscall2:
	mov	%o0, %g1
	mov	%o1, %g2
	mov	%o2, %o0
	mov	%o3, %o1
	mov	%o4, %o2
	mov	%o5, %o3
	ta	0x10
	bcc	1f
	 nop
	neg	%o0
1:	retl
	 st	%o1, [%g2]
	.size	rt_syscall2, . - rt_syscall2

	.section .note.GNU-stack, "", @progbits
