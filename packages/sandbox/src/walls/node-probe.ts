import { sanitize } from "@berth/base";

import { spawnDescribed } from "./node-spawn.ts";
import type { Wall } from "./wall.ts";

const PROBE_MS = 10_000;
const LAST_WORDS_BYTES = 4_096;

/** Starts a sandbox host inside a wall and ends it when it says that it serves. Answers with what went wrong. */
export function tryWall(wall: Wall): Promise<string | undefined> {
  const { child, pipe, stderr, processId } = spawnDescribed(wall.describe());
  return new Promise((resolve) => {
    let lastWords = "";
    const end = (failure: string | undefined): void => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      pipe.destroy();
      resolve(failure);
    };
    const timer = setTimeout(() => end("it did not start within 10 s"), PROBE_MS);
    pipe.once("data", () => {
      processId.then(
        () => end(undefined),
        (error: Error) => end(error.message),
      );
    });
    pipe.on("error", () => undefined); // Its exit says more.
    stderr.on("data", (bytes: Buffer) => {
      lastWords = (lastWords + bytes.toString("latin1")).slice(-LAST_WORDS_BYTES);
    });
    child.once("error", (error) => end(sanitize(error.message)));
    // `close` comes after the last of its words.
    child.once("close", (code, signal) =>
      end(
        sanitize(lastWords.trim().split("\n").slice(-3).join(" | "), 400) ||
          `it ended with ${signal ?? `code ${code}`}`,
      ),
    );
  });
}
