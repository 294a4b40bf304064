// Where the timeline is scrolled to. What stands on the screen never jumps: the end is followed only by who is at the end.
const timeline = document.getElementById("timeline");
const messages = document.getElementById("messages");
const NEAR = 60;

export const reachesEnd = () => !document.getElementById("newer");
// The scroller is reversed (so that without scripts it starts at its end): its scrollTop is 0 there and negative above.
export const isAtBottom = () => Math.abs(timeline.scrollTop) < NEAR;
export const toBottom = () => (timeline.scrollTop = 0);

// The first thing on the screen, and where it is: to be put back there, however the timeline changes.
export function holdOn() {
  const top = timeline.getBoundingClientRect().top;
  const anchor = [...messages.children].find((item) => item.getBoundingClientRect().bottom > top);
  const before = anchor?.getBoundingClientRect().top;
  return () => (anchor?.isConnected ? anchor.getBoundingClientRect().top - before : 0);
}

// Keeps what is seen where it is while `change` happens, or stays at the end.
export function steady(change) {
  const follow = isAtBottom() && reachesEnd();
  const moved = holdOn();
  change();
  if (!follow) timeline.scrollTop += moved();
  else {
    toBottom();
    slide(-moved());
  }
}

// What makes room at the end glides there: a jump is hard to follow with the eyes.
function slide(by) {
  if (!by || document.hidden || Math.abs(by) > timeline.clientHeight) return;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const timing = still ? { duration: 40, easing: "steps(1, end)" } : { duration: 140, easing: "ease-out" };
  messages.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { ...timing, composite: "add" });
}
