import { realpath } from "node:fs/promises";

import { reportOf } from "@berth/base";
import type { ErrorReport } from "@berth/base";
import type { Consent, DevelopmentSummary, Host, HostEvent, Plan } from "@berth/host";

import { buildPluginFolder } from "./build-plugin.ts";
import type { Invocation } from "./command.ts";
import { errorLines, indented } from "./error-lines.ts";
import { CliError } from "./errors.ts";
import { formatJson } from "./terminal.ts";
import { openLocalHost } from "./with-host.ts";

/** How an author's folder is run. */
export interface DevelopmentSettings {
  readonly invocation: Invocation;
  readonly folder: string;
  readonly isWatched: boolean;
  /** Agrees to a plan, or throws. */
  readonly consent: (plan: Plan) => Promise<Consent>;
  /** What is run after each load. */
  readonly call: { readonly action: string; readonly input: () => Promise<Uint8Array> } | undefined;
}

/** What a call after a load answered. */
export interface CallOutcome {
  readonly output: unknown;
  readonly text: string;
}

/** One author's folder in a host of its own: built, consented to, loaded, called, and so again at each change. */
export class DevelopmentSession {
  readonly host: Host<string>;
  readonly #settings: DevelopmentSettings;
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();
  #isWatching = false;

  private constructor(host: Host<string>, settings: DevelopmentSettings, path: string) {
    this.host = host;
    this.#settings = settings;
    this.#path = path;
  }

  /** @throws CliError CLI_FILE_UNREADABLE; HostError as `openHost` */
  static async open(settings: DevelopmentSettings): Promise<DevelopmentSession> {
    const { invocation, folder, isWatched } = settings;
    const path = await realpath(folder).catch((error: unknown) => {
      throw new CliError("CLI_FILE_UNREADABLE", `there is no folder ${folder}`, { cause: error });
    });
    // What happens while the host opens is found in `found`.
    const sessions: DevelopmentSession[] = [];
    const host = await openLocalHost(invocation, {
      developmentFolders: [{ path, watch: isWatched, build: buildPluginFolder }],
      onEvent: (event) => sessions[0]?.hear(event),
    });
    const session = new DevelopmentSession(host, settings, path);
    sessions.push(session);
    return session;
  }

  /** What the folder held when it was last built. */
  get found(): DevelopmentSummary {
    const [summary] = this.host.developments.list();
    if (summary === undefined) throw new CliError("CLI_FILE_UNREADABLE", `nothing was found in ${this.#path}`);
    return summary;
  }

  /**
   * Consents to what is there and loads it. From then on changes do the same by themselves.
   *
   * @param throws whether what goes wrong is thrown, or told on the terminal while the next change is waited for
   */
  async takeUp(throws: boolean): Promise<CallOutcome | undefined> {
    this.#isWatching = true;
    return throws ? this.#activate() : this.#told(() => this.#activate());
  }

  /** One thing after the other, in the order in which it was heard. */
  hear(event: HostEvent): void {
    if (event.kind !== "development" || !this.#isWatching) return;
    this.#last = this.#last.then(() => this.#answer(event));
  }

  async close(): Promise<void> {
    this.#isWatching = false;
    await this.host.close();
    await this.#last;
  }

  async #answer({ what, error, pluginId, version }: Extract<HostEvent, { kind: "development" }>): Promise<void> {
    if (!this.#isWatching) return;
    // Rights that nobody agreed to yet are asked for; every other failure is the author's to mend.
    if (what === "failed" && error?.code !== "HOST_CONSENT_MISSING") return this.#show(error);
    await this.#told(() => (what === "reloaded" ? this.#tryOut() : this.#activate()));
    if (what === "reloaded") this.#settings.invocation.terminal.say(`reloaded ${pluginId} ${version}`);
  }

  async #activate(): Promise<CallOutcome | undefined> {
    const { consent } = this.#settings;
    if (this.found.state !== "consented") {
      // What cannot be built fails here once more, with its own error.
      const plan = await this.host.developments.plan(this.#path);
      await this.host.install(plan, { ...(await consent(plan)), allowDowngrade: true });
    }
    return this.#tryOut();
  }

  /** Loads the code, so that a mistake at its top level shows at once, and makes the call that was asked for. */
  async #tryOut(): Promise<CallOutcome | undefined> {
    const { call, invocation } = this.#settings;
    const { id, version } = this.found;
    if (id === undefined) return undefined;
    await this.host.load(id);
    const [plugin] = (await this.host.list()).filter((each) => each.id === id);
    invocation.terminal.say(`${id} ${version} is loaded; actions: ${plugin?.actions.join(", ")}`);
    if (call === undefined) return undefined;
    const bytes = await this.host.callBytes(id, call.action, await call.input());
    const output: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const text = formatJson(output, 2);
    if (this.#settings.isWatched) invocation.terminal.say(`${call.action} answered:\n${text}`);
    return { output, text };
  }

  async #told(work: () => Promise<CallOutcome | undefined>): Promise<CallOutcome | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#show(reportOf(error));
      return undefined;
    }
  }

  #show(error: ErrorReport | undefined): void {
    if (error !== undefined) this.#settings.invocation.terminal.say(indented(errorLines(error)));
  }
}
