#include "textflag.h"

// ring(signal R0, info R1, context R2) is a signal handler: it writes to the
// eventfd, sleeps a moment and goes on with the runtime's, on its stack and with
// its arguments.
// System calls keep all registers but R0.
TEXT ·ring(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVD R0, R9
	MOVD R1, R10
	MOVD R2, R11
	MOVW $1, R12
	MOVW R12, ·rung(SB)
	MOVD $64, R8             // SYS_write
	MOVW ·ringFD(SB), R0
	MOVD $·ringOne(SB), R1
	MOVD $8, R2
	SVC
	MOVD $101, R8            // SYS_nanosleep
	MOVD $·pause(SB), R0
	MOVD $0, R1
	SVC
	MOVD R9, R0
	MOVD R10, R1
	MOVD R11, R2
	MOVD ·next(SB), R12
	JMP  (R12)

DATA ·handler(SB)/8, $·ring(SB)
GLOBL ·handler(SB), RODATA|NOPTR, $8
