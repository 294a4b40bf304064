// What one was told of: the number in the list, a word in the corner, and the line on the page of notifications.
import { fromHtml } from "./sidebar.js";

const MOST = 3; // words in the corner at a time
const LASTS = 8_000;
const toasts = document.getElementById("toasts");
const list = document.querySelector("#notifications[data-newest]");
const here = document.getElementById("conversation")?.dataset.conversation;

// Whoever looks at the conversation sees it there.
const isOnScreen = (item) => item.dataset.conversation === here && !document.hidden && document.hasFocus();

function toast(item) {
  const made = document.createElement("div");
  made.className = "toast";
  made.dataset.about = item.id;
  made.append(item.querySelector(".notification-main").cloneNode(true), closing(made));
  [...toasts.children].find((other) => other.dataset.about === item.id)?.remove();
  toasts.append(made);
  while (toasts.children.length > MOST) toasts.firstElementChild.remove();
  // Not while it is pointed at or has the focus.
  const leave = () => (made.matches(":hover, :focus-within") ? setTimeout(leave, LASTS) : made.remove());
  setTimeout(leave, LASTS);
}

function closing(made) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "icon-button toast-close";
  button.textContent = "×";
  button.setAttribute("aria-label", document.body.dataset.close);
  button.addEventListener("click", () => made.remove());
  return button;
}

function place(item) {
  document.getElementById(item.id)?.remove();
  list.hidden = false;
  list.parentElement.querySelector(".empty")?.remove();
  list.prepend(item);
  htmx.process(item);
}

document.addEventListener("live:notification", ({ detail }) => {
  const came = fromHtml(detail);
  document.getElementById("notifications-badge")?.replaceWith(came.getElementById("notifications-badge"));
  const item = came.querySelector(".notification");
  if (!item || isOnScreen(item)) return;
  if (list) place(item);
  else if (item.dataset.quiet === undefined) toast(item);
});
