/* The moves between the states of a job. */
#include "store/job.h"
#include "test/lib/cmocka_all.h"

/* A replay is a new job: what is done or dead stays so. */
static void
test_job_ends_stay_ends(void **state)
{
	(void)state;
	for (int to = 0; to < JOB_NSTATES; to++) {
		assert_false(job_may_move(JOB_DONE, (enum job_state)to));
		assert_false(job_may_move(JOB_DEAD, (enum job_state)to));
	}
}

/* Exactly these moves are legal. */
static void
test_job_moves_are_the_diagram(void **state)
{
	static const bool legal[JOB_NSTATES][JOB_NSTATES] = {
		[JOB_READY] = { [JOB_RUNNING] = true,
		    [JOB_DONE] = true,
		    [JOB_DEAD] = true },
		[JOB_RUNNING] = { [JOB_WAITING] = true,
		    [JOB_DONE] = true,
		    [JOB_DEAD] = true },
		[JOB_WAITING] = { [JOB_RUNNING] = true,
		    [JOB_DONE] = true,
		    [JOB_DEAD] = true },
	};

	(void)state;
	for (int from = 0; from < JOB_NSTATES; from++)
		for (int to = 0; to < JOB_NSTATES; to++)
			assert_int_equal(job_may_move((enum job_state)from,
					     (enum job_state)to),
			    legal[from][to]);
}

/* What is no state moves nowhere, and nothing moves there. */
static void
test_job_no_state_moves_nowhere(void **state)
{
	(void)state;
	assert_false(job_may_move(JOB_NSTATES, JOB_DONE));
	assert_false(job_may_move(JOB_READY, JOB_NSTATES));
}

/* Done and dead are the only ends. */
static void
test_job_ends(void **state)
{
	(void)state;
	for (int s = 0; s < JOB_NSTATES; s++)
		assert_int_equal(job_is_end((enum job_state)s),
		    s == JOB_DONE || s == JOB_DEAD);
}

/* A state's name leads back to it; any other text leads nowhere. */
static void
test_job_names_lead_back(void **state)
{
	enum job_state back = JOB_DEAD;

	(void)state;
	for (int s = 0; s < JOB_NSTATES; s++) {
		assert_int_equal(job_state_parse(job_state_name(
						     (enum job_state)s),
				     &back),
		    0);
		assert_int_equal(back, s);
	}
	assert_int_equal(job_state_parse("Ready", &back), -1);
	assert_int_equal(job_state_parse("", &back), -1);
	assert_int_equal(back, JOB_DEAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_job_ends_stay_ends),
		cmocka_unit_test(test_job_moves_are_the_diagram),
		cmocka_unit_test(test_job_no_state_moves_nowhere),
		cmocka_unit_test(test_job_ends),
		cmocka_unit_test(test_job_names_lead_back),
	};

	return (cmocka_run_group_tests_name("job", tests, NULL, NULL));
}
