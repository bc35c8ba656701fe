export { formatBase64, tryParseBase64 } from "./base64.ts";
export { compareBytes, concatBytes, decodeUtf8, utf8 } from "./bytes.ts";
export { canonicalJson } from "./canonical-json.ts";
export type { Json } from "./canonical-json.ts";
export { CodedError, exitCodeOf, isCodedError, reportOf } from "./coded-error.ts";
export type { ErrorExtras, ErrorKind, ErrorReport, ErrorRow, ErrorTable } from "./coded-error.ts";
export { editDistance, nearMiss } from "./near-miss.ts";
export { programFile } from "./program-file.ts";
export { cut, quote, sanitize } from "./quote.ts";
