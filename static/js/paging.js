// The way back and forth through a conversation: a pager that comes near the screen is followed by itself.
import { holdOn, reachesEnd, toBottom } from "./scrolling.js";
import { placeEarly } from "./timeline.js";

const timeline = document.getElementById("timeline");
const messages = document.getElementById("messages");
const composer = document.getElementById("composer-body");

const pagers = timeline && new IntersectionObserver(
  (entries) => entries.forEach((entry) => entry.isIntersecting && entry.target.querySelector("a").click()),
  { root: timeline, rootMargin: "600px 0px" },
);

function watch() {
  for (const pager of messages.querySelectorAll(".pager")) pagers.observe(pager);
}

// Where one left off, or the message that the address names, or the end.
function start() {
  const named = /^#[\w-]+$/.test(location.hash) ? document.querySelector(location.hash) : null;
  const first = named ?? document.getElementById("unread");
  if (!first || first.id === "end" || !messages.contains(first)) toBottom();
  else first.scrollIntoView({ block: first.id === "unread" ? "start" : "center" });
}

// Whoever saved or gave up goes on writing; a screen that is touched would open its keyboard.
function focus() {
  const edited = messages.querySelector(".message-editing textarea, .message-editing [autofocus]");
  if (edited) {
    edited.focus();
    edited.closest(".message-editing").scrollIntoView({ block: "nearest" }); // its form is taller than the message was
  } else if (document.activeElement === document.body && matchMedia("(pointer: fine)").matches) composer.focus({ preventScroll: true });
}

if (timeline) {
  let moved = () => 0;
  document.addEventListener("htmx:before:swap", (event) => {
    if (event.target.closest?.("#messages")) moved = holdOn();
  });
  document.addEventListener("htmx:after:swap", () => {
    timeline.scrollTop += moved();
    moved = () => 0;
    for (const twice of messages.querySelectorAll("#unread ~ #unread")) twice.remove();
    if (reachesEnd()) placeEarly();
    watch();
    document.dispatchEvent(new CustomEvent("timeline:paged"));
    focus();
  });
  document.addEventListener("timeline:trimmed", watch);
  start();
  watch();
}
