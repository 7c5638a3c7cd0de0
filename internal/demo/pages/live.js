// Renews the page's content every second. Without JavaScript the page still
// works: a click loads it again.
(() => {
  const live = document.getElementById("live");
  let pressed = false;
  addEventListener("pointerdown", () => { pressed = true; });
  addEventListener("pointerup", () => setTimeout(() => { pressed = false; }, 300));
  addEventListener("pointercancel", () => { pressed = false; });

  async function renew() {
    if (document.hidden || pressed) return;
    try {
      const answer = await fetch("/live");
      if (!answer.ok) throw new Error(answer.status);
      const text = await answer.text();
      // A button that is being pressed must not be replaced under the pointer.
      if (pressed) return;
      const focused = document.activeElement && document.activeElement.id;
      live.innerHTML = text;
      if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
      document.body.classList.remove("ended");
    } catch {
      document.body.classList.add("ended");
    }
  }
  setInterval(renew, 1000);
})();
