/**
 * How many requests to the broker one compartment may have under way. The sandbox host lets the rest wait in
 * its own memory, which is capped; a sandbox host that sends more has been taken over.
 */
export const MAX_REQUESTS_UNDER_WAY = 64;

/** Largest value of a request: 1 MiB, and room for what is said about it. Brokers parse it in their own thread. */
export const MAX_REQUEST_BYTES = 1_048_576 + 65_536;

/** Sends a request, or tells that it need not be sent any more. */
export type SendRequest = () => boolean;

/** Lets the requests of one compartment pass, at most so many at a time, in their order. */
export class RequestWindow {
  #underWay = 0;
  #waiting: SendRequest[] = [];
  #next = 0;

  pass(send: SendRequest): void {
    if (this.#underWay >= MAX_REQUESTS_UNDER_WAY) this.#waiting.push(send);
    else if (send()) this.#underWay += 1;
  }

  /** A request that passed has its answer. */
  leave(): void {
    this.#underWay -= 1;
    while (this.#underWay < MAX_REQUESTS_UNDER_WAY) {
      const send = this.#waiting[this.#next];
      if (send === undefined) break;
      this.#next += 1;
      if (send()) this.#underWay += 1;
    }
    if (this.#next < this.#waiting.length) return;
    this.#waiting = [];
    this.#next = 0;
  }
}
