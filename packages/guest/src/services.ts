import type { Requests } from "./context.ts";

/** Services of the broker that are thin: one request, one member of the answer. Made when first asked for. */
export class Services {
  readonly #requests: Requests;
  readonly #callId: number;
  #config: object | undefined;
  #events: object | undefined;
  #exec: object | undefined;
  #files: object | undefined;
  #permissions: object | undefined;
  #plugins: object | undefined;
  #schedules: object | undefined;
  #secrets: object | undefined;
  #userData: object | undefined;

  constructor(requests: Requests, callId: number) {
    this.#requests = requests;
    this.#callId = callId;
  }

  get config(): object {
    return (this.#config ??= Object.freeze({ get: () => this.#ask("config.get", {}, "value") }));
  }

  get events(): object {
    return (this.#events ??= Object.freeze({
      publish: (event: unknown, value: unknown, options: object = {}) =>
        this.#requests.send(this.#callId, "events.publish", { ...options, event, value }),
    }));
  }

  get exec(): object {
    return (this.#exec ??= Object.freeze({
      run: (command: unknown, options: object = {}) =>
        this.#requests.send(this.#callId, "exec.run", { ...options, command }),
    }));
  }

  get files(): object {
    return (this.#files ??= Object.freeze({
      read: (path: unknown) => this.#ask("files.read", { path }, "bytes"),
      list: (path: unknown) => this.#ask("files.list", { path }, "entries"),
      write: (path: unknown, content: unknown, options: object = {}) =>
        this.#do("files.write", { ...options, path, content }),
      makeFolder: (path: unknown) => this.#do("files.makeFolder", { path }),
      delete: (path: unknown) => this.#do("files.delete", { path }),
    }));
  }

  get permissions(): object {
    return (this.#permissions ??= Object.freeze({
      has: (permission: unknown) => this.#ask("permissions.has", { permission }, "has"),
    }));
  }

  get plugins(): object {
    return (this.#plugins ??= Object.freeze({
      call: (plugin: unknown, action: unknown, input: unknown) =>
        this.#ask("plugins.call", { plugin, action, input }, "output"),
    }));
  }

  get schedules(): object {
    return (this.#schedules ??= Object.freeze({
      list: () => this.#ask("schedules.list", {}, "schedules"),
      set: (name: unknown, schedule: object) => this.#ask("schedules.set", { ...schedule, name }, "nextAt"),
      remove: (name: unknown) => this.#ask("schedules.remove", { name }, "removed"),
    }));
  }

  get secrets(): object {
    return (this.#secrets ??= Object.freeze({
      reveal: (name: unknown) => this.#ask("secrets.reveal", { name }, "value"),
    }));
  }

  get userData(): object {
    return (this.#userData ??= Object.freeze({
      get: (entity: unknown, id: unknown, options: object = {}) =>
        this.#ask("userData.read", { ...options, entity, id }, "fields"),
      list: (entity: unknown, options: object = {}) =>
        this.#requests.send(this.#callId, "userData.list", { ...options, entity }),
      create: (entity: unknown, fields: unknown, options: object = {}) =>
        this.#ask("userData.create", { ...options, entity, fields }, "id"),
      update: (entity: unknown, id: unknown, fields: unknown, options: object = {}) =>
        this.#do("userData.update", { ...options, entity, id, fields }),
      delete: (entity: unknown, id: unknown, options: object = {}) =>
        this.#do("userData.delete", { ...options, entity, id }),
    }));
  }

  fetch(url: unknown, options: object = {}): Promise<unknown> {
    return this.#requests.send(this.#callId, "network.fetch", { ...options, url });
  }

  async #ask(method: string, request: object, member: string): Promise<unknown> {
    const answer = await this.#requests.send(this.#callId, method, request);
    return (answer as Record<string, unknown>)[member];
  }

  async #do(method: string, request: object): Promise<void> {
    await this.#requests.send(this.#callId, method, request);
  }
}
