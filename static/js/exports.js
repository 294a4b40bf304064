// Exports: how far each of those on the page is. What the feed tells replaces it; what may have been missed is asked for.
import { fromHtml } from "./sidebar.js";

function put(html) {
  const came = fromHtml(html).firstElementChild;
  const there = came && document.getElementById(came.id);
  if (!there) return;
  if (came.hidden) {
    there.remove();
    return;
  }
  // A bar that moves takes no focus away: only what has become something else is another element.
  if (there.dataset.status === came.dataset.status && there.querySelector("progress")) {
    there.querySelector(".export-progress").replaceWith(came.querySelector(".export-progress"));
    return;
  }
  const had = there.contains(document.activeElement);
  there.replaceWith(came);
  htmx.process(came);
  if (had) came.querySelector(".buttons a, .buttons button")?.focus();
}

async function ask(element) {
  const answer = await fetch(`/exports/${element.id.replace("export-", "")}`, { headers: { accept: "text/html", "hx-request": "true" } });
  if (answer.ok) put(await answer.text());
}

document.addEventListener("live:export", ({ detail }) => put(detail));
document.addEventListener("live:open", () => {
  for (const each of document.querySelectorAll(".export:has(progress)")) ask(each).catch(() => {}); // lost again: it comes back
});
