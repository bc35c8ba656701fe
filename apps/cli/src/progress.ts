import type { Progress as Report } from "@berth/host";

import type { Terminal } from "./terminal.ts";

/** Shown after this long only: short work needs no bar. */
const QUIET_MS = 300;
const REDRAW_MS = 100;
const WIDTH = 24;

/** A bar on standard error while something takes long. Without a terminal it writes nothing at all. */
export interface Progress {
  /** `label` says what is under way; it comes from us, never from outside. */
  update(label: string, done: number, total: number | undefined): void;
  /** Removes the bar. */
  end(): void;
}

export function showProgress(terminal: Terminal, now: () => number = () => performance.now()): Progress {
  const startedAt = now();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let isShown = false;
  return {
    update(label, done, total) {
      const at = now();
      if (!terminal.showsProgress || at - startedAt < QUIET_MS || at - drawnAt < REDRAW_MS) return;
      drawnAt = at;
      isShown = true;
      terminal.redraw(total === undefined || total === 0 ? `${label} ${done}` : `${label} ${bar(done / total)}`);
    },
    end() {
      if (isShown) terminal.redraw("");
      isShown = false;
    },
  };
}

/** What an action tells of how far it has come, as the last line of a terminal. */
export interface Reports {
  show(report: Report): void;
  /** Removes the line, before something else is written. */
  clear(): void;
}

export function showReports(terminal: Terminal, action: string): Reports {
  let isShown = false;
  return {
    show({ done, total, message }) {
      if (!terminal.showsProgress) return;
      isShown = true;
      const isShare = done !== undefined && total !== undefined && total > 0;
      const amount = isShare ? bar(done / total) : done === undefined ? "" : String(done);
      terminal.redraw([action, amount, message ?? ""].filter((part) => part !== "").join(" "));
    },
    clear() {
      if (isShown) terminal.redraw("");
      isShown = false;
    },
  };
}

function bar(share: number): string {
  const filled = Math.round(Math.min(1, share) * WIDTH);
  return `[${"#".repeat(filled)}${".".repeat(WIDTH - filled)}] ${Math.floor(Math.min(1, share) * 100)} %`;
}
