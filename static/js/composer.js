// The composer: what is typed is kept as a draft until it is sent, over reloads and errors.
import { newKey, post } from "./outbox.js";

const form = document.getElementById("composer");
const field = document.getElementById("composer-body");
const reply = document.getElementById("composer-reply");

if (form) {
  const draft = `draft-${document.body.dataset.me}-${form.dataset.draft}`;
  const error = (text) => {
    form.querySelector(".error")?.remove();
    field.setAttribute("aria-invalid", Boolean(text));
    field.setAttribute("aria-describedby", text ? "composer-help composer-error" : "composer-help");
    if (!text) return;
    const line = Object.assign(document.createElement("p"), { className: "error", id: "composer-error", textContent: text });
    line.setAttribute("role", "alert");
    form.append(line);
  };
  // A refused form comes back filled by the server; that text is newer than the draft.
  if (!field.value) field.value = localStorage.getItem(draft) ?? "";
  field.addEventListener("input", () => {
    if (field.value) localStorage.setItem(draft, field.value);
    else localStorage.removeItem(draft);
    error("");
  });
  // What is replied to is kept with the draft, and asked for anew: it may have been changed meanwhile.
  const kept = `${draft}-reply`;
  const repliesTo = () => form.elements.reply_to?.value ?? "";
  // Who presses Reply and sends at once replies too, though what shows it is still on its way; when it comes it is late.
  let asked = null;
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => ctx.target === reply && (asked = ctx));
  document.addEventListener("htmx:before:swap", (event) => {
    if (event.detail.ctx?.target === reply && event.detail.ctx !== asked) event.preventDefault();
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => ctx === asked && (asked = null));
  const answered = () => (asked ? new URL(asked.request.action, location).searchParams.get("reply_to") : repliesTo());
  let before = repliesTo();
  if (before) localStorage.setItem(kept, before);
  else if (localStorage.getItem(kept)) restore(localStorage.getItem(kept));

  async function restore(id) {
    try {
      const address = `${form.getAttribute("action").replace("/messages", "")}?${new URLSearchParams({ reply_to: id })}`;
      const answer = await fetch(address, { headers: { accept: "text/html", "hx-request": "true" } });
      if (answer.ok && !repliesTo()) reply.innerHTML = await answer.text();
    } catch {
      // No network: it is kept for the next time.
    }
  }

  new MutationObserver(() => {
    if (repliesTo() === before) return;
    before = repliesTo();
    if (before) localStorage.setItem(kept, before);
    else localStorage.removeItem(kept);
    field.focus({ preventScroll: true });
  }).observe(reply, { childList: true });
  reply.addEventListener("click", (event) => {
    if (!event.target.closest("a.button")) return;
    event.preventDefault();
    reply.replaceChildren();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text) return field.focus();
    const key = form.elements.key.value || newKey();
    post(text, key, answered());
    asked = null;
    reply.replaceChildren();
    form.elements.key.value = newKey();
    field.value = "";
    localStorage.removeItem(draft);
    error("");
    field.focus();
  });
  document.addEventListener("outbox:refused", ({ detail: { why, reply: refused } }) => {
    error(why);
    if (refused && !repliesTo()) reply.innerHTML = refused;
  });
  // As people are used to: the arrow up in an empty composer edits what one wrote last.
  field.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowUp" || field.value) return;
    const mine = document.querySelectorAll(`.message[data-author="${document.body.dataset.me}"] .message-actions a[href$="/edit"]`);
    if (!mine.length) return;
    event.preventDefault();
    mine[mine.length - 1].click();
  });
  if (matchMedia("(pointer: fine)").matches && !document.querySelector(".message-editing")) field.focus({ preventScroll: true });
}
