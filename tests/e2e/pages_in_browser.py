"""Airflow's pages as a person works with them: they are read and clicked in a headless Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, unquote

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import element_to_be_clickable, presence_of_element_located
from selenium.webdriver.support.ui import WebDriverWait

from local.environment import ADMIN

PATIENCE = 90.0  # seconds: the pages share two cores with Spark
GONE = (WebDriverException,)  # the pages draw themselves anew all the time, also while they are asked
SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--lang=en-US",
    "--window-size=1280,1400",
)


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """A headless Chromium that loads nothing from elsewhere; skips the test where there is none."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("no browser: install chromium and chromium-driver (Debian's names)")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for switch in SWITCHES:
        options.add_argument(switch)
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


class AirflowPages:
    """One person's window, signed in."""

    def __init__(self, chrome: webdriver.Chrome, address: str, password: str) -> None:
        self._chrome, self._address = chrome, address
        self._wait = WebDriverWait(chrome, PATIENCE, poll_frequency=0.2, ignored_exceptions=GONE)
        chrome.get(address)
        self._one("input[name=username]").send_keys(ADMIN)
        self._one("input[name=password]").send_keys(password, Keys.ENTER)
        self._one("button[aria-label=Browse]")

    def form(self, dag_id: str) -> Form:
        """The form that starts a DAG, opened from the DAG's page."""
        self._chrome.get(f"{self._address}/dags/{dag_id}")
        self._click("[data-testid=trigger-dag-button]")
        return Form(self, dag_id)

    def question(self, run_id: str) -> Question:
        """The page where a training's model is approved."""
        self._chrome.get(f"{self._task('training', run_id, 'approve_model')}/required_actions")
        return Question(self)

    def log(self, dag_id: str, run_id: str, task_id: str, *, until: str) -> str:
        """What a person reads on a task's page once a text is there."""
        self._chrome.get(self._task(dag_id, run_id, task_id))
        self._wait.until(lambda _: until in self.text)
        text = self.text
        self._leave()
        return text

    @property
    def text(self) -> str:
        """All that is to be read on the page now."""
        return self._chrome.find_element(By.TAG_NAME, "body").text

    def _leave(self) -> None:
        """Shows nothing: a page of Airflow that is left open draws itself anew for a quarter of a core."""
        self._chrome.get("about:blank")

    def _task(self, dag_id: str, run_id: str, task_id: str) -> str:
        return f"{self._address}/dags/{dag_id}/runs/{quote(run_id, safe='')}/tasks/{task_id}"

    def _one(self, css: str) -> WebElement:
        return self._wait.until(presence_of_element_located((By.CSS_SELECTOR, css)), css)

    def _click(self, css: str) -> None:
        self._press(self._wait.until(element_to_be_clickable((By.CSS_SELECTOR, css)), css))

    def _press(self, element: WebElement) -> None:
        self._chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        seen: list[object] = []

        def lies_still(_: object) -> bool:
            # A section unfolds for some tenths of a second; a click meanwhile hits what has moved below it.
            seen.append(element.rect)
            return seen[-2:-1] == seen[-1:]

        self._wait.until(lies_still, "an element that lies still")
        self._wait.until(element_to_be_clickable(element)).click()


class Fields:
    """The fields of one page, by the labels that a person reads."""

    def __init__(self, pages: AirflowPages) -> None:
        self._pages = pages

    def fill(self, label: str, given: str) -> None:
        """Types into a field, or chooses from its list."""
        field = self._field(label)
        for choice in field.find_elements(By.CSS_SELECTOR, "[role=combobox]"):
            choice.send_keys(given, Keys.ENTER)
            return
        box = field.find_element(By.CSS_SELECTOR, "input, textarea")
        if box.get_attribute("type") == "date":
            year, month, day = given.split("-")
            box.send_keys(month + day + year)  # as an American calendar takes it
        else:
            box.send_keys(Keys.CONTROL, "a")
            box.send_keys(given)

    def _field(self, label: str) -> WebElement:
        path = f"//label[normalize-space(text())='{label}']/ancestor::*[@data-scope='field' and @data-part='root'][1]"
        return self._pages._wait.until(presence_of_element_located((By.XPATH, path)), label)

    def _button(self, name: str) -> WebElement:
        path = f"//button[normalize-space()='{name}']"
        return self._pages._wait.until(presence_of_element_located((By.XPATH, path)), name)


class Form(Fields):
    """The form of one DAG."""

    def __init__(self, pages: AirflowPages, dag_id: str) -> None:
        super().__init__(pages)
        self._dag_id = dag_id
        self._dialog = pages._one("[role=dialog] [data-testid=config-form]").find_element(
            By.XPATH, "ancestor::*[@role='dialog']"
        )

    @property
    def sections(self) -> list[str]:
        """Titles of its sections; the first is open, the others are folded."""
        return [found.text for found in self._dialog.find_elements(By.CSS_SELECTOR, "[data-part=item-trigger]")]

    def can_be_sent(self) -> bool:
        """Whether the button to start is not grey."""
        return self._send.is_enabled()

    def unfold(self, section: str) -> None:
        """Opens a section; the one that was open folds."""
        self._pages._press(self._button(section))

    def switch_on(self, label: str) -> None:
        """Turns a switch on."""
        self._pages._press(self._field(label).find_element(By.CSS_SELECTOR, "[data-part=control]"))
        self._pages._wait.until(
            lambda _: self._field(label).find_elements(By.CSS_SELECTOR, "[data-scope=switch][data-state=checked]"),
            label,
        )

    def send(self) -> str:
        """Starts the run and returns its id, from the page that Airflow then shows."""
        self._pages._press(self._send)
        shown = f"/dags/{self._dag_id}/runs/"
        self._pages._wait.until(lambda chrome: shown in chrome.current_url, "the page of the run")
        # The page stays: only after it has shown the run it asks Airflow to unpause the DAG.
        return unquote(self._pages._chrome.current_url.partition(shown)[2].partition("/")[0].partition("?")[0])

    @property
    def _send(self) -> WebElement:
        return self._dialog.find_element(By.XPATH, ".//button[normalize-space()='Trigger']")


class Question(Fields):
    """What a person is asked about one model."""

    def answer(self, option: str, *, reason: str = "") -> None:
        """Clicks an answer, with a reason where one is given, and waits until Airflow has taken it."""
        if reason:
            self.fill("Reason", reason)
        button = self._button(option)
        self._pages._press(button)
        self._pages._wait.until_not(lambda _: button.is_enabled(), "Airflow takes the answer")
        self._pages._leave()
