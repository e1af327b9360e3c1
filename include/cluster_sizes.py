"""How much of the cluster a job asks for. Airflow cannot template sizes, so they are a few named ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClusterSize:
    """The size of one Spark application.

    Attributes:
        driver_memory, executor_memory: JVM heaps, such as ``1g``. Python's memory comes on top.
        executor_cores: cores of one executor.
        cores_max: cores of the whole application. Unset, a standalone cluster gives an application all it has.
        task_cpus: cores that one task claims.
        opens_session: whether the job opens a Spark session. Where it opens none, spark-submit only carries it to
            where it runs, without executors and without the jars of Delta and S3, which cost five seconds.
    """

    driver_memory: str = "1g"
    executor_memory: str = "1g"
    executor_cores: int = 1
    cores_max: int = 2
    task_cpus: int = 1
    opens_session: bool = True

    def conf(self) -> dict[str, str]:
        """The size as Spark configuration: `spark.cores.max` for standalone, instances for YARN and Kubernetes."""
        driver = {"spark.driver.memory": self.driver_memory}
        if not self.opens_session:
            return driver
        return driver | {
            "spark.executor.memory": self.executor_memory,
            "spark.executor.cores": str(self.executor_cores),
            "spark.executor.instances": str(self.cores_max // self.executor_cores),
            "spark.cores.max": str(self.cores_max),
            "spark.task.cpus": str(self.task_cpus),
        }


DRIVER_ONLY = ClusterSize(driver_memory="512m", opens_session=False)

# One executor: on tables that fit a single machine a second JVM costs more than it saves.
SMALL = ClusterSize(executor_cores=2, cores_max=2)

# One CatBoost task owns all cores of its executor, and CatBoost's memory is outside the JVM's heap.
# Four cores let two shards train side by side; the exact model uses one executor.
TRAINING = ClusterSize(executor_cores=2, cores_max=4, task_cpus=2)
