/** A change of a plugin's state that is under way: exactly one of both ends it. */
export interface BegunChange {
  readonly undo: () => void;
  readonly finish: () => void;
}
