/** Budgets of one scan. Whatever exceeds one of them is a finding, never silently skipped. */
export interface ScanLimits {
  /** Largest file whose syntax is followed; larger ones are read as bytes and reported. */
  readonly syntaxBytes: number;
  /** Largest file that is read at all. */
  readonly fileBytes: number;
  /** Files of one package. */
  readonly files: number;
  /** Bytes of one package. */
  readonly packageBytes: number;
  /** Findings of one rule in one file; further ones are counted in the last. */
  readonly findingsPerRule: number;
  /** Milliseconds for one file, enforced by killing the worker that holds it. */
  readonly fileTimeoutMs: number;
}

export const defaultLimits: ScanLimits = {
  syntaxBytes: 4 * 1024 * 1024,
  fileBytes: 64 * 1024 * 1024,
  files: 10_000,
  packageBytes: 256 * 1024 * 1024,
  findingsPerRule: 5,
  fileTimeoutMs: 20_000,
};
