// Stands in every page before its own scripts. Playwright keeps all pages visible and focused; here a test says which
// page is not, and its scripts believe it. What the content policy refuses is logged for the watch.
(() => {
  if (!location.protocol.startsWith("http")) return;
  let hidden = sessionStorage.getItem("test-hidden") === "1";
  let focused = true;
  Object.defineProperties(document, {
    hidden: { get: () => hidden },
    visibilityState: { get: () => (hidden ? "hidden" : "visible") },
  });
  document.hasFocus = () => focused && !hidden;
  window.testHide = (value) => {
    hidden = value;
    sessionStorage.setItem("test-hidden", value ? "1" : "");
    document.dispatchEvent(new Event("visibilitychange"));
    window.dispatchEvent(new Event(value ? "blur" : "focus"));
  };
  window.testFocus = (value) => {
    focused = value;
    window.dispatchEvent(new Event(value ? "focus" : "blur"));
  };
  document.addEventListener("securitypolicyviolation", (event) => {
    console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  });
})();
