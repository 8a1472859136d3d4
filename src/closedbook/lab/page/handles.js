"use strict";
// Handles in pictures, dragged with a pointer or moved with arrow keys; assistive technology sees them as sliders.

// A handle: { svg, name, at(state) -> pixels, drag(state, pixels) -> state, keys(state, right, up) -> state,
// say(state), range(state) -> [least, most, now] }. `hidden(state)` may hide it. All are hidden until it is the
// reader's turn.
function makeHandles(view, handles) {
  const placed = handles.map((handle) => ({ handle, group: makeHandle(view, handle) }));
  return () => placed.forEach(({ handle, group }) => placeHandle(view, handle, group));
}

function makeHandle(view, handle) {
  const svg = view.section.querySelector(`svg[data-figure="${handle.svg}"]`);
  const group = document.createElementNS(svg.namespaceURI, "g");
  const attributes = { class: "handle", tabindex: "0", role: "slider", "aria-label": handle.name };
  for (const [name, value] of Object.entries(attributes)) group.setAttribute(name, value);
  group.innerHTML = '<circle r="22" class="grip"/><circle r="11" class="ring"/>';
  svg.append(group);
  group.addEventListener("pointerdown", (event) => {
    group.setPointerCapture(event.pointerId);
    group.focus();
    event.preventDefault();
  });
  group.addEventListener("pointermove", (event) => {
    if (!group.hasPointerCapture(event.pointerId)) return;
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    view.set(handle.drag(view.state, [x, y]));
  });
  group.addEventListener("keydown", (event) => {
    const directions = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const [right, up] = directions[event.key] || [0, 0];
    if (!right && !up) return;
    event.preventDefault();
    const times = event.shiftKey ? 5 : 1;
    view.set(handle.keys(view.state, right * times, up * times));
  });
  return group;
}

function placeHandle(view, handle, group) {
  const hidden = view.phase !== "turn" || (handle.hidden?.(view.state) ?? false);
  group.style.display = hidden ? "none" : "";
  if (hidden) return;
  const [x, y] = handle.at(view.state);
  group.setAttribute("transform", `translate(${draw.fixed(x)} ${draw.fixed(y)})`);
  const [least, most, now] = handle.range(view.state);
  group.setAttribute("aria-valuemin", least);
  group.setAttribute("aria-valuemax", most);
  group.setAttribute("aria-valuenow", now);
  group.setAttribute("aria-valuetext", handle.say(view.state));
}
