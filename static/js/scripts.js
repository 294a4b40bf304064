// Tells the server that scripts run here (it then leaves "read" to us), and where we are on Earth.
document.cookie = "scripts=1; path=/; max-age=31536000; samesite=lax";

for (const field of document.querySelectorAll("[data-time-zone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
}

// Enter sends where there is a keyboard; on a touch screen Enter is the only way to break a line.
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("form[data-submit-on-enter]");
  if (!form || event.target.tagName !== "TEXTAREA") return;
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !matchMedia("(pointer: coarse)").matches) {
    event.preventDefault();
    form.requestSubmit();
  }
  if (event.key === "Escape") form.querySelector("a.button")?.click();
});

// A partial that was refused for another reason than what was typed is no replacement for what stands there.
document.addEventListener("htmx:before:swap", (event) => {
  const status = event.detail.ctx?.response?.status ?? 200;
  if (status >= 400 && status !== 422) event.preventDefault();
});
