// Trueup pages: what gets better with a script. Everything works without it.
(() => {
  const root = document.documentElement;
  const all = (q, at = document) => [...at.querySelectorAll(q)];

  // Cookies that the server renders by: the theme, and the zone whose time is told.
  const remember = (name, value) => { document.cookie = `trueup-${name}=${encodeURIComponent(value)}; path=/; max-age=31536000; samesite=lax`; };
  try { remember("zone", Intl.DateTimeFormat().resolvedOptions().timeZone); } catch { /* the server's zone, then */ }

  addEventListener("DOMContentLoaded", () => {
    root.classList.add("js");
    for (const b of all("[data-theme-switch]")) {
      b.addEventListener("click", (e) => {
        e.preventDefault();
        const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
        root.dataset.theme = dark ? "light" : "dark";
        remember("theme", root.dataset.theme);
      });
    }

    // Filters send themselves; the button is for those without a script.
    for (const f of all("form[data-auto]")) {
      all("button[data-apply]", f).forEach((b) => { b.hidden = true; });
      f.addEventListener("change", () => f.requestSubmit());
    }

    // Sent once: the button says so until the answer comes. Coming back undoes it.
    const busy = [];
    addEventListener("submit", (e) => {
      const b = e.submitter;
      if (e.defaultPrevented || !b || e.target.method !== "post" || b.hasAttribute("data-theme-switch")) return;
      setTimeout(() => { b.disabled = true; busy.push([b, b.innerHTML]); b.textContent = "Working…"; });
    });
    addEventListener("pageshow", () => { for (const [b, was] of busy.splice(0)) { b.disabled = false; b.innerHTML = was; } });

    // A sentence names what is chosen in two fields. The same twice stays what the page calls each.
    const said = all("[data-says]").map((s) => [s, document.getElementById(s.dataset.says), s.textContent]);
    const name = () => {
      const same = new Set(said.map(([, field]) => field.value)).size === 1;
      for (const [s, field, was] of said) s.textContent = same ? was : field.selectedOptions[0].text;
    };
    for (const field of new Set(said.map(([, field]) => field))) field.addEventListener("change", name);
    name();

    // Copy.
    for (const b of all("[data-copy]")) {
      b.hidden = !navigator.clipboard;
      b.addEventListener("click", async () => {
        await navigator.clipboard.writeText(document.getElementById(b.dataset.copy).textContent);
        const was = b.textContent; b.textContent = "Copied";
        setTimeout(() => { b.textContent = was; }, 1600);
      });
    }

    // Exceptions: how many are chosen, whole groups, and the keyboard.
    const list = document.querySelector("form[data-list]");
    if (list) {
      const rows = all(".xs li", list), said = list.querySelector("[data-n]"); // who may only look has none
      const count = () => {
        const n = all('[name="id"]:checked', list).length;
        if (said) said.textContent = n === 1 ? "1 customer selected" : n + " customers selected";
        for (const g of all("[data-all]", list)) {
          const of = all('[name="id"]', g.closest(".group")), on = of.filter((x) => x.checked).length;
          g.checked = on > 0 && on === of.length; g.indeterminate = on > 0 && on < of.length;
        }
      };
      list.addEventListener("change", (e) => {
        if (e.target.matches("[data-all]")) all('[name="id"]', e.target.closest(".group")).forEach((x) => { x.checked = e.target.checked; });
        count();
      });
      let at = -1;
      const go = (to) => {
        if (at >= 0) rows[at].classList.remove("at");
        at = Math.max(0, Math.min(rows.length - 1, to));
        rows[at].classList.add("at");
        rows[at].querySelector(".name").focus({ preventScroll: true });
        rows[at].scrollIntoView({ block: "nearest" });
      };
      addEventListener("keydown", (e) => {
        if (e.ctrlKey || e.metaKey || e.altKey || /^(input|select|textarea)$/i.test(e.target.tagName) && e.target.type !== "checkbox") return;
        const box = at >= 0 && rows[at].querySelector('[name="id"]');
        if (e.key === "j") go(at + 1);
        else if (e.key === "k") go(at - 1);
        else if (e.key === "x" && box) { box.checked = !box.checked; count(); }
        else if (e.key === "o" && at >= 0) rows[at].querySelector(".btn").click();
        else if (e.key === "Escape" && !document.querySelector(":popover-open")) { all('[name="id"]:checked', list).forEach((x) => { x.checked = false; }); count(); }
        else return;
        e.preventDefault();
      });
      count();
    }
    addEventListener("keydown", (e) => {
      if (e.ctrlKey || e.metaKey || e.altKey || /^(input|select|textarea)$/i.test(e.target.tagName)) return;
      const find = document.getElementById("q"), keys = document.getElementById("keys");
      if (e.key === "/" && find) { e.preventDefault(); find.focus(); }
      if (e.key === "?" && keys) keys.togglePopover();
    });

    // Live: the server sends the parts of the page that have changed, as HTML,
    // by name. A part that holds the focus or an open form is left until later.
    const live = document.querySelector("[data-live]");
    if (live && live.dataset.live && window.EventSource) {
      const from = new EventSource(live.dataset.live), words = live.querySelector("span");
      from.addEventListener("part", (e) => {
        const { name, html } = JSON.parse(e.data), part = document.querySelector(`[data-part="${CSS.escape(name)}"]`);
        if (!part || part.contains(document.activeElement) || part.querySelector("details[open], :checked")) return;
        part.innerHTML = html;
      });
      from.onopen = () => { live.classList.remove("lost"); words.textContent = "Up to date"; };
      from.onerror = () => { live.classList.add("lost"); words.textContent = "Not up to date. Trying again…"; };
    }
  });
})();
