// What was sent and is not acknowledged yet. It is shown at once, kept over reloads, sent in order, and tried again with
// the same key until the server has it: the key makes a second try harmless.
import { toBottom, upsert } from "./timeline.js";

const conversation = document.getElementById("conversation");
const messages = document.getElementById("messages");
const me = document.body.dataset.me;
const place = conversation && `outbox-${me}-${conversation.dataset.conversation}`;
let busy = false;
let failures = 0;

const load = () => JSON.parse(localStorage.getItem(place) ?? "[]");
const save = (waiting) => (waiting.length ? localStorage.setItem(place, JSON.stringify(waiting)) : localStorage.removeItem(place));

export function newKey() {
  // crypto.randomUUID is there on https and localhost alone; a school's server may speak plain http.
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
}

export function post(body, key) {
  save([...load(), { body, key }]);
  show({ body, key });
  toBottom();
  work();
}

function show({ body, key }) {
  if (messages.querySelector(`[data-key="${key}"]`)) return;
  const item = document.getElementById("pending-template").content.firstElementChild.cloneNode(true);
  item.dataset.key = key;
  item.querySelector(".message-body").textContent = body;
  messages.querySelector(".beginning:only-child")?.remove();
  messages.append(item);
}

const forget = (key) => {
  save(load().filter((entry) => entry.key !== key));
  messages.querySelector(`[data-key="${key}"]`)?.remove();
};

async function work() {
  if (busy) return;
  busy = true;
  try {
    for (let [entry] = load(); entry; [entry] = load()) {
      const answer = await send(entry);
      if (!answer) return;
      failures = 0;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      forget(entry.key);
      if (answer.ok) upsert(page.getElementById("sent")?.innerHTML ?? "");
      else refuse(entry, page.getElementById("composer-error")?.textContent ?? page.querySelector("h1")?.textContent ?? "");
    }
  } finally {
    busy = false;
  }
}

// The answer when there is a final one; null when it is to be tried again.
async function send({ body, key }) {
  try {
    const answer = await fetch(`/conversations/${conversation.dataset.conversation}/messages`, {
      method: "POST",
      headers: { accept: "text/html", "hx-request": "true" },
      body: new URLSearchParams({ body, key }),
    });
    if (answer.status < 500 && answer.status !== 429) return answer;
  } catch {
    // no network, or the server is being restarted: below
  }
  failures += 1;
  messages.querySelector(`[data-key="${key}"]`)?.classList.add("message-unsent");
  setTimeout(work, Math.min(30_000, 500 * 2 ** Math.min(failures, 6)) * (0.75 + Math.random() / 2));
  return null;
}

// Refused for good: the text goes back to where it was typed, with the reason.
function refuse({ body }, reason) {
  const field = document.getElementById("composer-body");
  field.value = field.value ? `${body}\n${field.value}` : body;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  document.dispatchEvent(new CustomEvent("outbox:refused", { detail: reason }));
}

if (conversation) {
  document.addEventListener("live:message", ({ detail }) => {
    // Our own message may come by the feed before its acknowledgement: then what was shown in its place goes.
    if (detail.includes(`data-author="${me}"`)) messages.querySelector(".message-pending:not(.message-unsent)")?.remove();
  });
  document.addEventListener("live:open", work);
  addEventListener("online", work);
  for (const entry of load()) show(entry);
  work();
}
