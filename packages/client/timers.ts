/** Lets the process end although the timer is set, where timers hold processes at all. */
export function unref<Timer>(timer: Timer): Timer {
  (timer as { unref?: () => void }).unref?.();
  return timer;
}
