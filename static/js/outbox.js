// What was sent and is not acknowledged yet. It is shown at once, kept over reloads, sent in order, and tried again with
// the same key until the server has it: the key makes a second try harmless.
import { toBottom } from "./scrolling.js";
import { begin, upsert } from "./timeline.js";

const conversation = document.getElementById("conversation");
const messages = document.getElementById("messages");
const me = document.body.dataset.me;
const place = conversation && `outbox-${me}-${conversation.dataset.conversation}`;
let busy = false;
let failures = 0;

const load = () => JSON.parse(localStorage.getItem(place) ?? "[]");
const save = (waiting) => (waiting.length ? localStorage.setItem(place, JSON.stringify(waiting)) : localStorage.removeItem(place));
const pending = (key) => messages.querySelector(`[data-key="${key}"]`);

export function newKey() {
  // crypto.randomUUID is there on https and localhost alone; a school's server may speak plain http.
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
}

// `reply_to`: the message that it answers, or nothing.
export function post(body, key, reply_to) {
  save([...load(), reply_to ? { body, key, reply_to } : { body, key }]);
  show({ body, key });
  toBottom();
  work();
}

function show({ body, key }) {
  if (pending(key)) return;
  const item = document.getElementById("pending-template").content.firstElementChild.cloneNode(true);
  item.dataset.key = key;
  item.querySelector(".message-body").textContent = body;
  begin();
  messages.append(item);
}

async function work() {
  if (busy) return;
  busy = true;
  try {
    for (let [entry] = load(); entry; [entry] = load()) {
      const answer = await send(entry);
      if (!answer) return;
      failures = 0;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      save(load().filter((other) => other.key !== entry.key));
      if (!answer.ok) refuse(entry, reason(answer, page), page.getElementById("composer-reply")?.innerHTML);
      else if (document.getElementById("newer")) location.assign(document.getElementById("jump").href);
      else upsert(page.getElementById("sent")?.innerHTML ?? "", pending(entry.key));
      pending(entry.key)?.remove();
    }
  } finally {
    busy = false;
  }
}

// The answer when there is a final one; null when it is kept, to be tried again.
async function send(entry) {
  try {
    const answer = await fetch(`/conversations/${conversation.dataset.conversation}/messages`, {
      method: "POST",
      headers: { accept: "text/html", "hx-request": "true" },
      body: new URLSearchParams(entry),
    });
    // Told to log in first: whoever does finds it sent.
    const signedOut = answer.status === 401 || answer.headers.has("hx-redirect");
    if (answer.status < 500 && answer.status !== 429 && !signedOut) return answer;
  } catch {
    // no network, or the server is being restarted: below
  }
  failures += 1;
  const item = pending(entry.key);
  item?.classList.add("message-unsent");
  if (item) item.hidden = false;
  setTimeout(work, Math.min(30_000, 500 * 2 ** Math.min(failures, 6)) * (0.75 + Math.random() / 2));
  return null;
}

function reason(answer, page) {
  if (answer.status === 404) return document.body.dataset.gone;
  return page.getElementById("composer-error")?.textContent ?? page.querySelector("h1")?.textContent ?? "";
}

// Refused for good: the text goes back to where it was typed, with the reason, and what it replied to if that is there.
function refuse({ body }, why, reply) {
  const field = document.getElementById("composer-body");
  field.value = field.value ? `${body}\n${field.value}` : body;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  document.dispatchEvent(new CustomEvent("outbox:refused", { detail: { why, reply } }));
}

if (conversation) {
  document.addEventListener("live:open", work);
  addEventListener("online", work);
  for (const entry of load()) show(entry);
  work();
}
