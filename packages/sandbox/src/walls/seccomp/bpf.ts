// Classic BPF as the kernel's seccomp filters use it (seccomp(2), linux/bpf_common.h). A program looks at
// `struct seccomp_data` and ends with what is to happen to the system call.

/** One instruction: `struct sock_filter`. Jumps count from the next instruction. */
export interface Instruction {
  readonly code: number;
  readonly ifTrue: number;
  readonly ifFalse: number;
  readonly value: number;
}

/** What happens to a system call. */
export const Verdict = {
  allow: 0x7fff_0000,
  killProcess: 0x8000_0000,
  /** The call is not made and fails with this error number. */
  failWith: (errno: number): number => 0x0005_0000 | errno,
} as const;

/** Offsets in `struct seccomp_data`; arguments are 64 bits wide, their low word first on both processors. */
export const DataOffset = {
  syscall: 0,
  arch: 4,
  argumentLow: (index: number): number => 16 + 8 * index,
  argumentHigh: (index: number): number => 20 + 8 * index,
} as const;

const LOAD_WORD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const AND = 0x54; // BPF_ALU | BPF_AND | BPF_K
const JUMP_IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_IF_AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

const INSTRUCTION_BYTES = 8;
/** BPF_MAXINSNS: the kernel refuses longer programs. */
const MAX_INSTRUCTIONS = 4_096;
/** Jumps are one byte wide. */
const MAX_JUMP = 255;

export const load = (offset: number): Instruction => ({ code: LOAD_WORD, ifTrue: 0, ifFalse: 0, value: offset });
export const and = (mask: number): Instruction => ({ code: AND, ifTrue: 0, ifFalse: 0, value: mask });
export const end = (verdict: number): Instruction => ({ code: RETURN, ifTrue: 0, ifFalse: 0, value: verdict });

/** Runs `body` when the loaded word is `value`, else goes on behind it. */
export const whenEqual = (value: number, body: readonly Instruction[]): Instruction[] => [
  { code: JUMP_IF_EQUAL, ifTrue: 0, ifFalse: body.length, value },
  ...body,
];

/** Runs `body` when the loaded word is another one than `value`. */
export const unlessEqual = (value: number, body: readonly Instruction[]): Instruction[] => [
  { code: JUMP_IF_EQUAL, ifTrue: body.length, ifFalse: 0, value },
  ...body,
];

/** Runs `body` when the loaded word, taken as unsigned, is `value` or more. */
export const whenAtLeast = (value: number, body: readonly Instruction[]): Instruction[] => [
  { code: JUMP_IF_AT_LEAST, ifTrue: 0, ifFalse: body.length, value },
  ...body,
];

/**
 * The bytes of a program: an array of `struct sock_filter`, little-endian, as both supported processors are.
 *
 * @throws RangeError for a program that the kernel would refuse
 */
export function assemble(program: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  if (program.length > MAX_INSTRUCTIONS || program.at(-1)?.code !== RETURN)
    throw new RangeError(`a program of ${program.length} instructions; expected at most 4096, ending with a verdict`);
  const bytes = new Uint8Array(program.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, ifTrue, ifFalse, value }] of program.entries()) {
    if (ifTrue > MAX_JUMP || ifFalse > MAX_JUMP) throw new RangeError(`instruction ${index} jumps too far`);
    view.setUint16(index * INSTRUCTION_BYTES, code, true);
    view.setUint8(index * INSTRUCTION_BYTES + 2, ifTrue);
    view.setUint8(index * INSTRUCTION_BYTES + 3, ifFalse);
    view.setUint32(index * INSTRUCTION_BYTES + 4, value, true);
  }
  return bytes;
}
