/** What is counted: all plugins or one, in a period. */
export interface StatisticsQuery {
  readonly pluginId?: string;
  /** ISO instants; counted by the hour. Default: everything that is kept. */
  readonly from?: string;
  readonly to?: string;
}

/** Length of an ISO instant's text up to its hour, by which everything is counted. */
export const HOUR = "YYYY-MM-DDTHH".length;

/** Different counts kept between two flushes; what they count comes from manifests and from our own codes. */
export const MAX_PENDING = 10_000;

/** The condition on rows of a period, with `periodParams`. */
export const IN_PERIOD = "(?1 IS NULL OR plugin_id = ?1) AND (?2 IS NULL OR hour >= ?2) AND (?3 IS NULL OR hour <= ?3)";

export const periodParams = ({ pluginId, from, to }: StatisticsQuery): (string | null)[] => [
  pluginId ?? null,
  from?.slice(0, HOUR) ?? null,
  to?.slice(0, HOUR) ?? null,
];
