// Search and family filter of the glossary, the joins of one table in a picture, the same place in the other language.
"use strict";

const plain = text => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[’']/g, " ").toLowerCase();

function glossary(form) {
  const found = document.getElementById("found");
  const results = document.getElementById("results");
  const sections = [...document.querySelectorAll("section.family")];
  const rows = [...document.querySelectorAll(".kpis li")].map(item => ({
    item, list: item.parentNode, family: item.dataset.family, id: item.dataset.id,
    names: plain(item.dataset.names).split(" | "), text: plain(item.dataset.names + " " + item.dataset.text),
  }));
  const input = form.querySelector("input");
  const buttons = [...form.querySelectorAll("button[data-family]")];
  let family = "";

  // 0 the very name, 1 its beginning, 2 every word in one name, 3 elsewhere; nothing where a word is missing.
  function rank(row, asked, words) {
    if (row.names.includes(asked) || row.id === asked) return 0;
    if (row.names.some(name => name.startsWith(asked))) return 1;
    if (row.names.some(name => words.every(word => name.includes(word)))) return 2;
    return words.every(word => row.text.includes(word)) ? 3 : -1;
  }

  function show() {
    const asked = plain(input.value).trim();
    const words = asked.split(/\s+/).filter(Boolean);
    const ranked = rows.map((row, at) => ({...row, at, rank: words.length ? rank(row, asked, words) : 0}))
      .filter(row => row.rank >= 0 && (!family || row.family === family));
    const kept = new Set(ranked.map(row => row.item));
    results.hidden = !words.length;
    rows.forEach(row => { row.list.append(row.item); row.item.hidden = !kept.has(row.item); });
    sections.forEach(section => { section.hidden = Boolean(words.length) || (family && section.dataset.family !== family); });
    if (words.length) {
      ranked.sort((a, b) => a.rank - b.rank || a.at - b.at);
      ranked.forEach(row => results.firstElementChild.append(row.item));
    }
    const said = ranked.length ? (ranked.length === 1 ? found.dataset.one : found.dataset.many) : found.dataset.none;
    found.textContent = said.replace("{}", ranked.length);
    buttons.forEach(button => button.setAttribute("aria-pressed", String(button.dataset.family === family)));
    const at = new URLSearchParams();
    if (asked) at.set("q", input.value.trim());
    if (family) at.set("family", family);
    history.replaceState(null, "", String(at) ? "?" + at : location.pathname);
  }

  const given = new URLSearchParams(location.search);
  input.value = given.get("q") || "";
  family = buttons.some(button => button.dataset.family === given.get("family")) ? given.get("family") : "";
  input.addEventListener("input", show);
  form.addEventListener("submit", event => event.preventDefault());
  buttons.forEach(button => button.addEventListener("click", () => { family = button.dataset.family; show(); }));
  if (input.value || family) show();
}

function pointing(picture) {
  const point = key => {
    picture.classList.toggle("pointed", Boolean(key));
    const on = new Set([key]);
    picture.querySelectorAll("path").forEach(path => {
      const touches = path.dataset.start === key || path.dataset.end === key;
      path.classList.toggle("on", touches);
      if (touches) { on.add(path.dataset.start); on.add(path.dataset.end); }
    });
    picture.querySelectorAll(".box").forEach(box => box.classList.toggle("on", on.has(box.dataset.key)));
  };
  picture.querySelectorAll(".box").forEach(box => {
    box.addEventListener("mouseenter", () => point(box.dataset.key));
    box.addEventListener("mouseleave", () => point(null));
    box.closest("a")?.addEventListener("focus", () => point(box.dataset.key));
    box.closest("a")?.addEventListener("blur", () => point(null));
  });
}

function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) { target.open = true; target.scrollIntoView(); }
}

const form = document.getElementById("filter");
if (form) glossary(form);
document.querySelectorAll(".picture").forEach(pointing);
openTarget();
addEventListener("hashchange", openTarget);
document.querySelector(".language")?.addEventListener("click", event => {
  event.currentTarget.href = event.currentTarget.getAttribute("href").split(/[?#]/)[0] + location.search + location.hash;
});
