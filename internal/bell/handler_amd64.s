#include "textflag.h"

// ring(signal DI, info SI, context DX) is a signal handler: it writes to the
// eventfd, sleeps a moment and goes on with the runtime's, on its stack and with
// its arguments.
// System calls keep all registers but AX, CX and R11, which are ours to spoil.
TEXT ·ring(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVQ DI, R8
	MOVQ SI, R9
	MOVQ DX, R10
	MOVL $1, ·rung(SB)
	MOVL $1, AX              // SYS_write
	MOVLQSX ·ringFD(SB), DI
	LEAQ ·ringOne(SB), SI
	MOVL $8, DX
	SYSCALL
	MOVL $35, AX             // SYS_nanosleep
	LEAQ ·pause(SB), DI
	XORL SI, SI
	SYSCALL
	MOVQ R8, DI
	MOVQ R9, SI
	MOVQ R10, DX
	MOVQ ·next(SB), AX
	JMP  AX

DATA ·handler(SB)/8, $·ring(SB)
GLOBL ·handler(SB), RODATA|NOPTR, $8
