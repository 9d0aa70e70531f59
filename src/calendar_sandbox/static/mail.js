// The list of letters follows the box by itself.

const list = document.querySelector("#letters");

async function follow() {
  if (document.hidden || list.querySelector("details[open]")) return;
  const answer = await fetch("/mail/list").catch(() => null);
  if (!answer?.ok) return;
  const fresh = document.createElement("div");
  fresh.innerHTML = await answer.text();
  if (fresh.querySelectorAll("li").length === list.querySelectorAll("li").length && fresh.querySelector("a")?.href === list.querySelector("a")?.href) return;
  const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  list.replaceChildren(...fresh.childNodes);
  if (focused) list.querySelector(`a[href="${focused}"]`)?.focus();
}

setInterval(follow, 3000);
