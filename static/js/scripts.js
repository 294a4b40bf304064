// Tells the server that scripts run here (it then leaves "read" to us), and where we are on Earth.
document.cookie = "scripts=1; path=/; max-age=31536000; samesite=lax";

for (const field of document.querySelectorAll("[data-time-zone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
}

// Enter sends where there is a keyboard; on a touch screen Enter is the only way to break a line.
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("form[data-submit-on-enter]");
  if (!form || event.target.tagName !== "TEXTAREA") return;
  const composing = event.isComposing || event.keyCode === 229; // Safari ends a composition before it tells of its Enter
  if (event.key === "Enter" && !event.shiftKey && !composing && !event.defaultPrevented && !matchMedia("(pointer: coarse)").matches) {
    event.preventDefault();
    form.requestSubmit();
  }
  if (event.key === "Escape" && !event.defaultPrevented) form.querySelector("a.button")?.click();
});

// Who edits goes on where the text ends, not before its first word; that once, wherever they put the caret later.
function toEnd(field) {
  if (!field?.matches("textarea[autofocus]")) return;
  field.removeAttribute("autofocus");
  field.setSelectionRange(field.value.length, field.value.length);
  field.scrollTop = field.scrollHeight;
}
document.addEventListener("focusin", ({ target }) => toEnd(target));
toEnd(document.activeElement);

// Drafts are its writer's alone: whoever logs out leaves none on the computer. What was sent and waits stays: it would be
// lost, and it is sent when they are back.
document.addEventListener("submit", ({ target }) => {
  if (!target.matches("form[action='/auth/logout']")) return;
  for (const key of Object.keys(localStorage)) if (key.startsWith(`draft-${document.body.dataset.me}-`)) localStorage.removeItem(key);
});

// A partial that was refused for another reason than what was typed is no replacement for what stands there: the reason
// is said beside it, and what was typed can be sent again.
document.addEventListener("htmx:before:swap", (event) => {
  const { response, text } = event.detail.ctx ?? {};
  if ((response?.status ?? 200) < 400 || response.status === 422) return;
  event.preventDefault();
  complain(event.target, new DOMParser().parseFromString(text, "text/html").querySelector("h1")?.textContent);
});
document.addEventListener("htmx:error", (event) => event.detail.ctx && complain(event.target));
document.addEventListener("htmx:before:request", ({ target }) => hostOf(target).querySelector("[role=alert]")?.remove());

const hostOf = (source) => source.closest("form, li") ?? document.body;

function complain(source, why = document.body.dataset.failed) {
  const line = Object.assign(document.createElement("p"), { className: "error", textContent: why });
  line.setAttribute("role", "alert");
  hostOf(source).querySelector("[role=alert]")?.remove();
  hostOf(source).append(line);
}
