#!/usr/bin/env python3
"""Drives a headless Chromium through its debugging pipe: browser.py URL STEP...

  wait:JS          until the expression is true (10 s at most)
  eval:JS          prints its value as JSON, a line
  shot:FILE        a screenshot of the whole page, PNG
  theme:dark|light what prefers-color-scheme says; before or after loading
  size:WxH         of the window
  requests         prints the URLs of all requests so far, one a line, "data:" ones cut short
  errors           prints what the page's console and security policy complained of, one a line

Everything the browser writes goes to a fresh directory that is removed; it makes no request of its own.
"""
import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-default-browser-check", "--disable-extensions", "--hide-scrollbars",
         "--disable-dev-shm-usage"]


class Browser:
    def __init__(self, home):
        to_r, self.to = os.pipe()
        self.of, from_w = os.pipe()

        def ends():  # the browser reads from descriptor 3 and writes to 4
            a, b = os.dup(to_r), os.dup(from_w)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(["chromium", *FLAGS, "--user-data-dir=" + home, "--remote-debugging-pipe", "about:blank"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=ends,
                                        env={**os.environ, "HOME": home, "TMPDIR": home})
        os.close(to_r)
        os.close(from_w)
        self.data, self.id, self.requests, self.errors, self.loaded = b"", 0, [], [], False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = None
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in "Page", "Network", "Runtime", "Log":
            self.call(domain + ".enable")

    session = None

    def message(self, until):
        while b"\0" not in self.data:
            if not select.select([self.of], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            more = os.read(self.of, 1 << 20)
            if not more:
                raise EOFError("the browser ended")
            self.data += more
        one, self.data = self.data.split(b"\0", 1)
        return json.loads(one)

    def note(self, m):
        p = m.get("params", {})
        if m.get("method") == "Network.requestWillBeSent":
            self.requests.append(p["request"]["url"])
        elif m.get("method") == "Page.loadEventFired":
            self.loaded = True
        elif m.get("method") == "Log.entryAdded":
            self.errors.append(p["entry"]["text"])
        elif m.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(p["exceptionDetails"].get("exception", {}).get("description", p["exceptionDetails"]["text"])))

    def call(self, method, **params):
        self.id += 1
        m = {"id": self.id, "method": method, "params": params}
        if self.session:
            m["sessionId"] = self.session
        os.write(self.to, json.dumps(m).encode() + b"\0")
        until = time.monotonic() + 20
        while True:
            r = self.message(until)
            if r.get("id") == self.id:
                if "error" in r:
                    raise RuntimeError(f"{method}: {r['error']}")
                return r["result"]
            self.note(r)

    def eval(self, js):
        r = self.call("Runtime.evaluate", expression=js, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in r:
            raise RuntimeError(r["exceptionDetails"])
        return r["result"].get("value")

    def wait(self, js):
        until = time.monotonic() + 10
        while not self.eval(js):
            if time.monotonic() > until:
                raise TimeoutError("never true: " + js)
            time.sleep(0.1)

    def step(self, step):
        name, _, value = step.partition(":")
        if name == "wait":
            self.wait(value)
        elif name == "eval":
            print(json.dumps(self.eval(value)), flush=True)
        elif name == "theme":
            self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])
        elif name == "size":
            w, h = map(int, value.split("x"))
            self.call("Emulation.setDeviceMetricsOverride", width=w, height=h, deviceScaleFactor=1, mobile=False)
        elif name == "shot":
            box = self.call("Page.getLayoutMetrics")["cssContentSize"]
            png = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip={**box, "x": 0, "y": 0, "scale": 1})
            with open(value, "wb") as f:
                f.write(base64.b64decode(png["data"]))
        elif name == "requests":
            print("\n".join(u if not u.startswith("data:") else "data:" for u in self.requests), flush=True)
        elif name == "errors":
            self.eval("1")
            print("\n".join(self.errors), flush=True)
        else:
            raise ValueError("unknown step " + step)


def main():
    home = tempfile.mkdtemp(prefix="tls13d-browser-")
    browser = None
    try:
        browser = Browser(home)
        browser.call("Page.navigate", url=sys.argv[1])
        browser.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
        for step in sys.argv[2:]:
            browser.step(step)
    finally:
        if browser:
            browser.process.kill()
            browser.process.wait()
        for _ in range(20):  # its children may still write for a moment
            shutil.rmtree(home, ignore_errors=True)
            if not os.path.exists(home):
                break
            time.sleep(0.1)


if __name__ == "__main__":
    main()
