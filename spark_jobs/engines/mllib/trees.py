"""Takes the trees that MLlib grew out of the JVM, all nodes in one call."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from arrears.scoring.scorers.forest import LEAF, Forest
from spark_jobs.engines.model_rows import Moments

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Node = dict[str, Any]


def forest_of(
    spark: SparkSession,
    fitted: Any,
    moments: Moments,
    *,
    of_trees: Literal["probability", "log_odds", "loss"],
    weights: list[float],
    leaf_value: Callable[[Node], float],
) -> Forest:
    """A fitted ensemble of MLlib as plain lists.

    Args:
        fitted: a model with ``trees``.
        weights: what each tree counts in the sum.
        leaf_value: what a leaf says, from MLlib's node.
    """
    trees = _nodes(spark, fitted)
    roots: list[int] = []
    nodes: list[Node] = []
    for tree in trees:
        first = len(nodes)
        roots.append(first)
        nodes += [_shifted(node, first) for node in sorted(tree, key=lambda node: int(node["id"]))]
    return Forest(
        of_trees=of_trees,
        roots=tuple(roots),
        weights=tuple(weights),
        features=tuple(LEAF if node["leaf"] else node["split"]["featureIndex"] for node in nodes),
        thresholds=tuple(0.0 if node["leaf"] else node["split"]["leftCategoriesOrThreshold"][0] for node in nodes),
        lefts=tuple(node["leftChild"] for node in nodes),
        rights=tuple(node["rightChild"] for node in nodes),
        values=tuple(leaf_value(node) if node["leaf"] else 0.0 for node in nodes),
        fills=moments.means,
        input_importance=tuple(map(float, fitted.featureImportances.toArray())),
    )


def _shifted(node: Node, first: int) -> Node:
    """A node whose children are counted through all trees."""
    leaf = node["leftChild"] == LEAF
    children = {side: LEAF if leaf else first + node[side] for side in ("leftChild", "rightChild")}
    return {**node, **children, "leaf": leaf}


def _nodes(spark: SparkSession, fitted: Any) -> list[list[Node]]:
    # What MLlib itself would write to storage, as JSON: one call a node through Py4J takes minutes for a large forest.
    jvm: Any = spark.sparkContext._jvm
    build = getattr(getattr(jvm.org.apache.spark.ml.tree.DecisionTreeModelReadWrite, "NodeData$"), "MODULE$").build
    to_list = jvm.scala.collection.JavaConverters.seqAsJavaList
    annotation = jvm.com.fasterxml.jackson.annotation
    access, visible = annotation.PropertyAccessor, getattr(annotation, "JsonAutoDetect$Visibility")
    mapper = jvm.com.fasterxml.jackson.databind.ObjectMapper()
    mapper.setVisibility(access.ALL, visible.NONE)
    mapper.setVisibility(access.FIELD, visible.ANY)
    trees = fitted._java_obj.trees()
    return [json.loads(mapper.writeValueAsString(to_list(build(tree.rootNode(), 0)._1()))) for tree in trees]
