import { reportOf } from "@berth/base";
import { encodeValue } from "@berth/wire";
import type { Message } from "@berth/wire";

import type { CallContext } from "./compartment-plan.ts";
import type { LoadedCompartment } from "./loaded-compartment.ts";
import type { Sandbox } from "./node-sandbox.ts";
import { ToSandbox } from "./protocol.ts";
import { MAX_REQUESTS_UNDER_WAY } from "./request-window.ts";
import type { RequestMessage } from "./sandbox-message.ts";

/** Bytes of answers and inputs that only a process comes to which never reads. */
const MAX_UNREAD_ANSWER_BYTES = 256 * 1_048_576;

/** Serves the requests of one process to the broker. */
export class BrokerDoor {
  readonly #sandbox: () => Sandbox | undefined;
  readonly #onBreach: () => void;

  /** `onBreach` hears that the process did what no sandbox host of ours does. */
  constructor(sandbox: () => Sandbox | undefined, onBreach: () => void) {
    this.#sandbox = sandbox;
    this.#onBreach = onBreach;
  }

  /** The call that asks is no longer under way, or never was in that compartment. */
  refuse({ id }: Message): void {
    this.#answer(id, ToSandbox.refusal, {
      code: "SANDBOX_CLOSED",
      message: "the call that asks has already ended",
    });
  }

  async serve(id: number, request: RequestMessage, entry: LoadedCompartment, call: CallContext): Promise<void> {
    if (entry.requestsUnderWay >= MAX_REQUESTS_UNDER_WAY) return this.#onBreach();
    const { method, value } = request;
    let answer: unknown;
    let type: number = ToSandbox.answer;
    entry.requestsUnderWay += 1;
    try {
      answer = (await entry.plan.onRequest({ call, method, value })) ?? null;
    } catch (error) {
      type = ToSandbox.refusal;
      answer = reportOf(error);
    }
    entry.requestsUnderWay -= 1;
    this.#answer(id, type, answer);
  }

  #answer(id: number, type: number, value: unknown): void {
    const sandbox = this.#sandbox();
    if (sandbox === undefined) return;
    if (sandbox.unreadBytes > MAX_UNREAD_ANSWER_BYTES) return this.#onBreach();
    try {
      sandbox.send({ type, id, head: "", value: encodeValue(value) });
    } catch (error) {
      sandbox.send({ type: ToSandbox.refusal, id, head: "", value: encodeValue(reportOf(error)) });
    }
  }
}
