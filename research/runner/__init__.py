"""The processes that do the work, and what keeps them alive. Start reading at supervisor.py.

supervisor   one light process: forks the services, restarts them, ends them
service      one process group under it          watchdog    what stands still, told from signs of life
lineup       which services there are            readiness   what must be true before a start
web          daphne on the supervisor's socket   cluster     django-q2, drained and bound to its parent
sweeper      finds what is owed, wakes a worker  loop        many sessions on one event loop
process canary probe drain slots choosing        one idea each
"""
