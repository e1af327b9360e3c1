"""The three tables of a synthetic bank: loans, customers and monthly credit history, at any size.

Every value is a function of ``xxhash64(seed, purpose, id[, month])``, so a table needs no join, no shuffle, and is the
same on any number of partitions. What decides a default stands in `arrears.model.synthetic_risk`. Columns show its six
factors: income; debts and loan relative to income; the share of the credit line in use; payments relative to what is
due; years in the job. The credit score is a noisy sum of them. Before the decision nothing depends on a loan's own
noise, so nothing but the factors predicts its label.

All tables are as the bank knows them on the business date: later decisions are not there, nor is what arrives later.
"""

from __future__ import annotations

from math import pi, sqrt

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arrears.contracts.job_configs.bank_jobs import GenerateBankConfig
from arrears.model import synthetic_risk as process
from spark_jobs.transforms.synthetic.hashed_numbers import happens, hashed_number, normal, rough_normal

# Of 20 loans in a row, 13 customers have one, two have two and one has three: 16 customers.
_CUSTOMERS_OF_20: tuple[int, ...] = (*range(1, 14), 14, 14, 15, 15, 16, 16, 16)
_MOST_EXTRA_MONTHS = 24  # between the opening of a loan and the first month of its delivered history
_FIRST_OPENING_DAYS = 1860  # more than the months from any opening to the first decision: at most 60 / 2 and 24
_OF_AGE_DAYS, _YOUNGEST_DAYS, _AGE_SPAN_DAYS = 6575, 8766, 18628  # at the first decision: 24 to 74 years old
_GENDER_INCOME = 0.25  # correlation of the normal behind gender with the one behind income
_BROKER, _ONLINE, _DRIFTED_ONLINE = 0.15, 0.3, 0.6  # shares of channels; the drift brings borrowers online

_CUSTOMER_FACTORS = ("income", "job")
_LOAN_FACTORS = ("debts", "loan", "utilisation", "arrears", "own", "score")
_REGIONS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
_PURPOSES = ("car", "home", "education", "debt consolidation", "travel", "other")


def customer_count(loans: int) -> int:
    """How many customers so many loans have."""
    blocks, rest = divmod(loans - 1, len(_CUSTOMERS_OF_20))
    return blocks * max(_CUSTOMERS_OF_20) + _CUSTOMERS_OF_20[rest]


def to_outcomes(ids: DataFrame, config: GenerateBankConfig) -> DataFrame:
    """The hidden truth of each ``id``: its factors, its visible risk, and whether and when it defaults.

    For the tables here and for proofs. Never delivered. ``default_month`` counts from 1, the month of the decision.
    """
    customer = f"element_at(array({', '.join(map(str, _CUSTOMERS_OF_20))}), CAST((id - 1) % 20 AS INT) + 1)"
    numbered = ids.selectExpr("id AS loan_id", f"16 * ((id - 1) div 20) + {customer} AS customer_id")
    hashes = {
        **{f"_{name}_hash": hashed_number(config.seed, name, "customer_id") for name in _CUSTOMER_FACTORS},
        **{f"_{name}_hash": hashed_number(config.seed, name, "loan_id") for name in _LOAN_FACTORS},
    }
    month = f"CAST(pmod({_hash(config, 'decision month')}, {config.decision_months}) AS INT)"
    day = f"CAST(pmod({_hash(config, 'decision day')}, {process.DECISION_DAYS}) AS INT)"
    decided = f"date_add(add_months(DATE '{config.first_month}', {month}), {day})"
    drifted = f"decided_on >= DATE '{config.drift_from}'" if config.drift_from else "false"
    last = min(process.PERFORMANCE_MONTHS, config.history_months - config.history_months // 2)
    first, limit = process.SHORTEST_ARREARS_MONTHS, process.default_limit(config)
    falls_due = f"{first} + CAST(pmod({_hash(config, 'default month')}, {last - first + 1}) AS INT)"
    return (
        numbered.selectExpr("*", f"{decided} AS decided_on", *(f"{sql} AS {name}" for name, sql in hashes.items()))
        .selectExpr("*", f"{drifted} AS is_drifted", *(f"{normal(name)} AS {name[:-5]}" for name in hashes))
        .withColumn("_debts", F.expr(f"_debts + IF(is_drifted, {process.DRIFTED_DEBTS}D, 0D)"))
        .withColumn("visible_risk", F.expr(_visible_risk()))
        .withColumn("is_default", F.expr(f"visible_risk + {process.OWN_DEVIATION!r}D * _own > {limit!r}D"))
        .withColumn("default_month", F.expr(f"IF(is_default, {falls_due}, NULL)"))
        .drop(*hashes)
    )


def to_loans(ids: DataFrame, config: GenerateBankConfig) -> DataFrame:
    """One loan of each ``id`` that was decided by the business date, with the application that was decided on."""
    extra = f"CAST(pmod({_hash(config, 'extra')}, {_MOST_EXTRA_MONTHS + 1}) AS INT)"
    return _applications(ids, config).selectExpr(
        "loan_id",
        "customer_id",
        f"add_months(decided_on, -{config.history_months // 2} - {extra}) AS opened_on",
        "decided_on",
        f"{_one_of(_PURPOSES, _hash(config, 'purpose'))} AS purpose",
        f"{_channel(config)} AS channel",
        "loan_amount",
        "term_months",
        "interest_rate",
        "payment_amount",
        f"{_unless_missing(config, _cents('_income_amount'), 'income')} AS income_amount",
        f"{_cents('exp(1.1D + 0.6D * _debts) * _income_amount')} AS debt_amount",
        "credit_limit_amount",
    )


def to_customers(ids: DataFrame, config: GenerateBankConfig) -> DataFrame:
    """One customer of each ``id``, none of whom became one after the opening of a loan."""
    keys = {name: _hash(config, name, "id") for name in ("income", "job", "gender", "birth", "since", "region", "work")}
    hashed = ids.selectExpr("id AS customer_id", *(f"{sql} AS _{name}" for name, sql in keys.items()))
    age = f"{_YOUNGEST_DAYS} + CAST(pmod(_birth, {_AGE_SPAN_DAYS}) AS INT)"
    with_factors = hashed.selectExpr("*", f"{normal('_job')} AS _job_factor", f"{age} AS _age")
    other = f"{sqrt(1 - _GENDER_INCOME**2)!r}D * {rough_normal('_gender')}"
    span = f"_age - {_OF_AGE_DAYS + _FIRST_OPENING_DAYS}"
    employment = (
        f"CASE WHEN 0.8D * _job_factor + 0.6D * {rough_normal('_work')} < -1.6D THEN 'unemployed'"
        " WHEN pmod(_work, 100) < 12 THEN 'self-employed' WHEN pmod(_work, 100) < 35 THEN 'public' ELSE 'employee' END"
    )
    years = f"least(50D, {_whole('10D * exp(1.2D + 0.8D * _job_factor)')} / 10D)"
    region = _one_of(_REGIONS, "_region")
    first = f"DATE '{config.first_month}'"
    return with_factors.selectExpr(
        "customer_id",
        f"date_sub({first}, _age) AS birth_on",
        f"IF({_GENDER_INCOME}D * {normal('_income')} + {other} < 0, 'female', 'male') AS gender",
        f"{_unless_missing(config, region, 'region', 'customer_id')} AS region",
        f"{employment} AS employment",
        f"{_unless_missing(config, years, 'job', 'customer_id')} AS employment_years",
        f"date_sub({first}, {_FIRST_OPENING_DAYS} + CAST(pmod(_since, {span}) AS INT)) AS customer_since",
    )


def to_credit_history(ids: DataFrame, config: GenerateBankConfig) -> DataFrame:
    """One month of one loan: half of the months before its decision, half after it. No gaps but for late rows.

    A loan that defaults misses payment after payment until it is 90 days past due in its month of default, and goes on.
    """
    before = config.history_months // 2
    loans = _applications(ids, config).withColumn("_n", F.expr(f"explode(sequence(1, {config.history_months}))"))
    days_late = f"1 + pmod(xxhash64(_hash, 6), {process.MOST_DAYS_LATE})"
    late = f"IF({happens('xxhash64(_hash, 5)', config.late_share)}, {days_late}, 0)"
    months = (
        loans.withColumn("_hash", F.expr(hashed_number(config.seed, "month", "loan_id", "_n")))
        .withColumn("month_on", F.expr(f"last_day(add_months(decided_on, _n - {before + 1}))"))
        .withColumn("arrived_on", F.expr(f"date_add(month_on, CAST({late} AS INT))"))
        .where(f"arrived_on <= DATE '{config.as_of}'")
        .withColumn("_since_default", F.expr(f"_n - {before} - default_month"))
        .withColumn("days_past_due", F.expr(f"IF(_since_default >= -2, 90 + 30 * _since_default, {_harmless_days()})"))
    )
    return months.selectExpr(
        "loan_id",
        "month_on",
        "arrived_on",
        "payment_amount AS due_amount",
        f"{_paid()} AS paid_amount",
        f"{_balance()} AS balance_amount",
        "days_past_due",
        f"{_unless_missing(config, _credit_score(), 'score', 'loan_id', '_n')} AS credit_score",
    )


def _applications(ids: DataFrame, config: GenerateBankConfig) -> DataFrame:
    """Outcomes decided by the business date, and the amounts that loans and their history share."""
    decided = to_outcomes(ids, config).where(f"decided_on <= DATE '{config.as_of}'")
    line = f"_income_amount * exp(0.7D + 0.3D * {rough_normal(_hash(config, 'line'))})"
    loan = f"_income_amount * exp(1.6D + 0.5D * _loan) * {_seasonal('decided_on', 0.05, 6)}"
    return (
        decided.withColumn("_income_amount", F.expr("exp(7.9D + 0.45D * _income)"))
        .withColumn("credit_limit_amount", F.expr(f"greatest(100D, 100D * {_whole(f'{line} / 100D')})"))
        .withColumn("loan_amount", F.expr(f"greatest(100D, 10D * {_whole(f'{loan} / 10D')})"))
        .withColumn("interest_rate", F.expr(_cents(f"6D + 0.8D * {rough_normal(_hash(config, 'rate'))}")))
        .withColumn("term_months", F.expr(f"72 + 24 * CAST(pmod({_hash(config, 'term')}, 3) AS INT)"))
        # The annuity: amount · r / (1 - (1 + r)^-n), with r the rate of a month.
        .withColumn("_rate", F.expr("interest_rate / 1200D"))
        .withColumn("payment_amount", F.expr(_cents("loan_amount * _rate / (1D - pow(1D + _rate, -term_months))")))
    )


def _hash(config: GenerateBankConfig, purpose: str, key: str = "loan_id") -> str:
    return hashed_number(config.seed, purpose, key)


def _visible_risk() -> str:
    terms = [
        f"IF(is_drifted, {process.DRIFTED_WEIGHTS[factor]!r}D, {weight!r}D) * _{factor}"
        for factor, weight in process.WEIGHTS.items()
    ]
    return " + ".join([*terms, f"{process.SEASON}D * cos({pi / 6!r}D * (month(decided_on) - 11))"])


def _seasonal(on: str, amplitude: float, peak_month: int) -> str:
    return f"(1D + {amplitude}D * cos({pi / 6!r}D * (month({on}) - {peak_month})))"


def _harmless_days() -> str:
    strain = f"0.85D * _arrears + 0.527D * {_noise(1)}"
    return f"CAST(greatest(0D, least(89D, floor(45D * ({strain} - 1.3D)))) AS INT)"


def _paid() -> str:
    share = "CASE WHEN days_past_due >= 60 THEN 0D WHEN days_past_due > 0 THEN 0.6D ELSE 1D END"
    usual = f"exp(-0.1D * _arrears + 0.05D * {_noise(2)}) * {_seasonal('month_on', 0.04, 7)}"
    return _cents(f"payment_amount * {usual} * {share}")


def _balance() -> str:
    used = f"1D / (1D + exp(0.3D - 0.9D * _utilisation - 0.25D * {_noise(3)}))"
    return _cents(f"credit_limit_amount * {used} * {_seasonal('month_on', 0.06, 12)}")


def _credit_score() -> str:
    common = " + ".join(f"{weight!r}D * _{factor}" for factor, weight in process.WEIGHTS.items())
    measured = f"0.6D * ({common}) / {sqrt(process.EXPLAINED)!r}D + 0.8D * _score"
    score = f"660D - 50D * ({measured}) - 0.3D * days_past_due + 6D * {_noise(4)}"
    return f"CAST(greatest(300, least(850, {_whole(score)})) AS INT)"


def _noise(number: int) -> str:
    return rough_normal(f"xxhash64(_hash, {number})")


def _channel(config: GenerateBankConfig) -> str:
    kind = _hash(config, "channel")
    online, drifted_online = (happens(kind, _BROKER + share) for share in (_ONLINE, _DRIFTED_ONLINE))
    is_online = f"IF(is_drifted, {drifted_online}, {online})"
    return f"CASE WHEN {happens(kind, _BROKER)} THEN 'broker' WHEN {is_online} THEN 'online' ELSE 'branch' END"


def _unless_missing(config: GenerateBankConfig, value: str, what: str, *keys: str) -> str:
    hashed = hashed_number(config.seed, f"missing {what}", *(keys or ("loan_id",)))
    return f"IF({happens(hashed, config.missing_share)}, NULL, {value})"


def _one_of(texts: tuple[str, ...], hashed: str) -> str:
    choices = ", ".join(f"'{text}'" for text in texts)
    return f"element_at(array({choices}), 1 + CAST(pmod({hashed}, {len(texts)}) AS INT))"


def _cents(amount: str) -> str:
    return f"({_whole(f'100D * ({amount})')} / 100D)"


def _whole(number: str) -> str:
    # Spark's own round() goes through BigDecimal: it would take most of the time that a table takes.
    return f"floor({number} + 0.5D)"
