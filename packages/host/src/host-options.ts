import type { EngineDescriptor, LogLine, WallOptions } from "@berth/sandbox";
import type { DataLabel, Permission } from "@berth/spec";
import type { DeploymentKey } from "@berth/trust";

import type { SetAlarm } from "./alarm.ts";
import type { DevelopmentFolder } from "./development/development-folder.ts";
import type { AppEvent } from "./events/event-bus.ts";
import type { HostEvent } from "./host-event.ts";
import type { PolicyInput } from "./policy.ts";
import type { PermissionAnswer, PermissionQuestion } from "./rights/rights.ts";
import type { AlertRule } from "./statistics/alert-rule.ts";
import type { UserDataProvider } from "./user-data-provider.ts";

/** How a host is opened. */
export interface HostOptions<Caller> {
  /** Folder for everything the host keeps; created when missing, owned by one process at a time. */
  readonly dataDir: string;
  /** What executes plugins, for example `[isolate()]`. The host never chooses an engine by itself. */
  readonly engines: readonly EngineDescriptor[];
  /** What the operator decides; checked when the host opens. `parsePolicy` reads one from a file. */
  readonly policy?: PolicyInput;
  /** The tenant or user that a caller belongs to: one partition's state never serves another. */
  readonly partitionOf?: (caller: Caller) => string | undefined;
  /**
   * What a caller may do, as permissions; a plugin's right never goes beyond it. Left out, callers may do
   * whatever their plugins may.
   */
  readonly rightsOf?: (caller: Caller) => readonly Permission[];
  /** Where `ctx.user.data` of plugins comes from. Left out: they are refused it. */
  readonly userData?: UserDataProvider;
  /**
   * Asks a person for an optional permission when a plugin first needs it, while its call waits. Left out, or
   * with an unattended policy, the plugin is denied and the request kept: see `Host.permissionRequests`.
   */
  readonly askPermission?: (question: PermissionQuestion) => Promise<PermissionAnswer>;
  /**
   * File with the operator's age identity, which opens the key of secrets and settings. Default: `operator.agekey`
   * in the data directory, made when first needed; keep it elsewhere, or apart from backups.
   */
  readonly operatorKeyFile?: string;
  /**
   * Secrets of the policy's `repository`, asked for when a package comes that only a deployment signed. They
   * never stand in the policy: `readDeploymentKeyFile` reads them from a file. Default none.
   */
  readonly deploymentKeys?: () => Promise<readonly DeploymentKey[]>;
  /** Hears what plugins log. */
  readonly onLog?: (line: PluginLogLine) => void;
  /**
   * Whether `onLog` takes lines of plugins that have had labelled data; they come with their label. Default false:
   * then it hears once, of each running instance, that lines are withheld.
   */
  readonly logTakesLabelled?: boolean;
  /** Hears what nobody awaits: see `HostEvent`. */
  readonly onEvent?: (event: HostEvent) => void;
  /** When to tell, as an event, that a plugin needs a look. Default: never. */
  readonly alerts?: readonly AlertRule[];
  /** How long statistics are kept, days. Default 90. */
  readonly statisticsDays?: number;
  /**
   * Folders with plugins of this program's own authors. They are built and listed, never run without consent to
   * their content: see `Host.developments`. Code that came from one runs in no host that does not name it here.
   */
  readonly developmentFolders?: readonly DevelopmentFolder[];
  /**
   * Folders to look in for packages and development folders: see `Host.discover`. Opening the host does not look at
   * them; what lies there is listed when asked for, and never installed or run by that. Default none.
   */
  readonly pluginFolders?: readonly string[];
  /** Variables that commands of plugins can be given, each by a right of its own. Default: those of this program. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Where walls come from, for machines that differ from the usual. */
  readonly walls?: WallOptions;
  /**
   * Sandbox hosts kept ready for the next plugin, for each engine in use. They are started a second after the first
   * plugin was, so that a program that ends soon starts none. Default 1.
   */
  readonly spares?: number;
  /** How long a plugin may be idle before nothing of it is kept running, ms. Default 60,000. */
  readonly idleMs?: number;
  /** How long to wait for another owner of the data directory, ms. Default 5,000. */
  readonly busyMs?: number;
  /** Events that this program publishes with `Host.events`, by name; their topics are `app/NAME`. */
  readonly events?: Readonly<Record<string, AppEvent>>;
  readonly now?: () => Date;
  /** Wakes the host at an instant of `now`, for programs with a clock of their own. Default: timers. */
  readonly setAlarm?: SetAlarm;
}

export interface PluginLogLine extends LogLine {
  readonly pluginId: string;
  /** Where the data may leave to that the plugin had when it wrote the line; absent: there was none. */
  readonly label?: DataLabel;
}
