import type { Missing } from "./wall.ts";

/** What the machine says about itself, as far as walls depend on it. `undefined`: it does not say. */
export interface MachineFacts {
  readonly platform: string;
  readonly arch: string;
  /** /proc/sys/user/max_user_namespaces */
  readonly maxUserNamespaces: number | undefined;
  /** /proc/sys/kernel/unprivileged_userns_clone, which Debian's older kernels have. */
  readonly unprivilegedUserNamespaces: number | undefined;
  /** /proc/sys/kernel/apparmor_restrict_unprivileged_userns, which Ubuntu has from 23.10 on. */
  readonly appArmorRestrictsUserNamespaces: number | undefined;
  /** Whether a system-call filter is in force for this very process: a container's or a service manager's. */
  readonly isFiltered: boolean;
  /** What marks this as a container, for example `/.dockerenv`. */
  readonly containerMark: string | undefined;
  /** Major and minor version, for example 6.1. */
  readonly kernel: readonly [major: number, minor: number];
}

/** Bubblewrap's words when the system refuses to make namespaces at all, rather than to do something inside them. */
const NAMESPACE_REFUSED = /(?:creating|create) new namespace/i;
const REFUSED = /permission denied|operation not permitted/i;

/** Tells why bubblewrap failed and who can change that. `words` are its own. */
export function explainBubblewrapFailure(facts: MachineFacts, words: string): Missing {
  const found = (why: string, remedy: string): Missing => ({ what: "namespaces", why: `${why} (${words})`, remedy });
  if (facts.maxUserNamespaces === 0)
    return found(
      "this machine allows no user namespaces: user.max_user_namespaces is 0",
      "As root on the machine itself, not in a container: sysctl -w user.max_user_namespaces=15000",
    );
  if (facts.unprivilegedUserNamespaces === 0)
    return found(
      "this machine keeps user namespaces to root: kernel.unprivileged_userns_clone is 0",
      "As root: sysctl -w kernel.unprivileged_userns_clone=1",
    );
  const isRefused = NAMESPACE_REFUSED.test(words) || REFUSED.test(words);
  // AppArmor lets the namespace be made and refuses what is done in it; a filter refuses to make it.
  const isAppArmor = facts.appArmorRestrictsUserNamespaces === 1;
  if (isRefused && isAppArmor && !(facts.isFiltered && NAMESPACE_REFUSED.test(words)))
    return found(
      "AppArmor keeps programs without a profile from using user namespaces: kernel.apparmor_restrict_unprivileged_userns is 1",
      "Give bubblewrap a profile with `userns,` in /etc/apparmor.d/bwrap (Ubuntu: apt install apparmor-profiles, then enable bwrap-userns-restrict).",
    );
  if (isRefused && facts.isFiltered)
    return found(
      facts.containerMark === undefined
        ? "a system-call filter of the service manager or a container forbids namespaces"
        : `this container's system-call filter forbids namespaces (${facts.containerMark})`,
      "Docker, Podman: --security-opt seccomp=PROFILE with clone, unshare, mount, umount2 and pivot_root allowed. systemd: no RestrictNamespaces= and no SystemCallFilter= without them.",
    );
  if (isRefused && facts.containerMark !== undefined)
    return found(
      `this container may not mount inside a namespace (${facts.containerMark})`,
      "Docker, Podman: --security-opt systempaths=unconfined --security-opt apparmor=unconfined; Kubernetes: hostUsers: false.",
    );
  return found("bubblewrap does not work here", "Run `bwrap --unshare-all --ro-bind / / true` to see why.");
}
