import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { HttpError } from "@berth/http";

import { blobFailure } from "../blobs/folder-blobs.ts";

/** An uploaded file that nobody has looked into yet. Its receiver disposes it. */
export interface Upload extends AsyncDisposable {
  readonly path: string;
}

export interface UploadLimits {
  readonly maxBytes: number;
  /** How long the sender may be silent. */
  readonly stallMs: number;
  /** How long the whole upload may take. */
  readonly totalMs: number;
}

/**
 * Writes a request's body into a new file of `folder`.
 *
 * @throws HttpError HTTP_BODY_TOO_LARGE, HTTP_BODY_INCOMPLETE; RegistryError REGISTRY_DISK_FULL
 */
export async function receiveUpload(body: Readable, folder: string, limits: UploadLimits): Promise<Upload> {
  const path = join(folder, `${randomUUID()}.upload`);
  const abort = new AbortController();
  const stop = (why: string) => (): void => abort.abort(new HttpError("HTTP_BODY_INCOMPLETE", why));
  const whole = setTimeout(stop(`the upload took more than ${limits.totalMs} ms`), limits.totalMs);
  const stalled = stop(`nothing came for ${limits.stallMs} ms`);
  let stall = setTimeout(stalled, limits.stallMs);
  let received = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      clearTimeout(stall);
      stall = setTimeout(stalled, limits.stallMs);
      if (received > limits.maxBytes)
        done(new HttpError("HTTP_BODY_TOO_LARGE", `the body has more than ${limits.maxBytes} bytes`));
      else done(null, chunk);
    },
  });
  try {
    await pipeline(body, counter, createWriteStream(path, { flags: "wx", mode: 0o600 }), { signal: abort.signal });
    // What cannot be removed goes when the server starts again; what became of the upload stands.
    return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }).catch(() => undefined) };
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    throw uploadFailure(error, abort.signal);
  } finally {
    clearTimeout(whole);
    clearTimeout(stall);
  }
}

function uploadFailure(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof HttpError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  // The file's own failures name a system call; everything else is the connection that broke.
  if (syscall === "write" || syscall === "open" || code === "ENOSPC" || code === "EFBIG")
    return blobFailure(error, "the upload");
  return new HttpError("HTTP_BODY_INCOMPLETE", "the upload ended before it was whole", { cause: error });
}
