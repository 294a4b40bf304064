// The composer: what is typed is kept as a draft until it is sent, over reloads and errors.
import { newKey, post } from "./outbox.js";

const form = document.getElementById("composer");
const field = document.getElementById("composer-body");

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
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (!text) return field.focus();
    const key = form.elements.key.value || newKey();
    post(text, key);
    form.elements.key.value = newKey();
    field.value = "";
    localStorage.removeItem(draft);
    error("");
    field.focus();
  });
  document.addEventListener("outbox:refused", ({ detail }) => error(detail));
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
