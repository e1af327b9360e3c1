"""Every way by which a job reaches a cluster, behind one operator."""
