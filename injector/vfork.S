/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vfork.S - vfork with something before and after it. The child runs on the parent's stack and overwrites
 * whatever lies below the caller's frame, the return address of this function included; so that address
 * is kept in a register over the system call (as libc's own vfork does) and pushed again by both.
 */
	.text
	.globl	vfork
	.type	vfork, @function
vfork:
	.cfi_startproc
	movq	%rsp, %rdi
	movq	(%rsp), %rsi
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	call	shim_vfork_before
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	testl	%eax, %eax
	jne	1f
	popq	%rdi
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rdi
	movl	$58, %eax
	syscall
	pushq	%rdi
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rip, 0
	movq	%rax, %rdi
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	call	shim_vfork_after
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	ret
1:	movl	$-1, %eax
	ret
	.cfi_endproc
	.size	vfork, . - vfork
	.globl	__vfork
	.set	__vfork, vfork
	.section .note.GNU-stack, "", @progbits
