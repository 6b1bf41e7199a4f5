"""The eight stages, one typed async function each: from what was committed before to one artifact.

An agent gets the state and a Toolbox and nothing else. The instructions for a model stand at the top of
its file; what the instructions ask for, the offline methods answer too.
"""
