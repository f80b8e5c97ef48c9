/**
 * Models that the fleet was told to leave out while their provider fails. A few calls try them all the same: what becomes
 * of those tells the policy service when to switch them on again. What nobody has confirmed for minutes is forgotten, so
 * that a registry that went away does not keep a model off; the breakers of this process decide then.
 */

/** Share of calls that try a model that is off. */
const TRIAL_SHARE = 0.05;
/** How long it holds without the registry, ms. */
const UNCONFIRMED_MS_MAX = 300_000;

/** Times are ms since the epoch. */
export class SwitchedOff {
  /** As `provider/model`, as of the registry's last word. */
  models: readonly unknown[] = [];
  #until = 0;

  /** @param value as the registry sends it; what is no list switches nothing off */
  apply(value: unknown, now: number): void {
    this.models = Array.isArray(value) ? value : [];
    this.confirm(now);
  }

  /** The registry says that nothing changed. */
  confirm(now: number): void {
    this.#until = now + UNCONFIRMED_MS_MAX;
  }

  /** Whether this call leaves the model out. */
  has(model: string, now: number): boolean {
    return now <= this.#until && this.models.includes(model) && Math.random() > TRIAL_SHARE;
  }
}
