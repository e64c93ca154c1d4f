"""PYTHONPATH=build/bench python3 -m unittest discover -s build/soak"""
import datetime
import random
import unittest

from disturbances import Victims
from growth import Series


def _series(value):
    return Series([(float(second), value(second)) for second in range(900)])


class GrowthTests(unittest.TestCase):
    def test_a_leak_is_seen_through_the_noise_and_one_as_small_as_is_allowed_is_not(self):
        noise = random.Random(1)
        leak = _series(lambda second: 100 + second * 20 / 900 + noise.uniform(-5, 5))
        self.assertAlmostEqual(20, leak.growth(), delta=2)
        self.assertTrue(leak.grows(share=0.1, least=4))
        self.assertFalse(leak.grows(share=0.3, least=4))
        self.assertFalse(leak.grows(share=0.1, least=25))

    def test_spikes_and_what_comes_and_goes_are_no_growth(self):
        self.assertFalse(_series(lambda second: 100 + (300 if second > 890 else 0)).grows(share=0.01, least=1))
        self.assertFalse(_series(lambda second: 100 + second % 60).grows(share=0.1, least=1))

    def test_what_shrinks_or_was_seen_once_does_not_grow(self):
        self.assertFalse(_series(lambda second: 100 - second / 100).grows(share=0, least=0))
        self.assertFalse(Series([(0.0, 1)]).grows(share=0, least=0))


class VictimsTests(unittest.TestCase):
    def test_a_loss_is_a_victims_when_it_was_its_connection_or_a_new_one_at_the_time_of_its_death(self):
        victims = Victims()
        victims.note(11, "kill", 1000.0)
        victims.note(12, "stop", 2000.0)
        self.assertEqual("kill", victims.explain(_loss(1000.3, "Reset", 11)))
        self.assertEqual("kill", victims.explain(_loss(1030.0, "Reset", 11)), "it had rested")
        self.assertEqual("stop", victims.explain(_loss(1999.9, "Ended", 12)))
        self.assertEqual("kill", victims.explain(_loss(1000.3, "Reset", "new")))

    def test_any_other_loss_has_no_reason(self):
        victims = Victims()
        victims.note(11, "kill", 1000.0)
        self.assertIsNone(victims.explain(_loss(1000.3, "Reset", 12)), "another worker's connection")
        self.assertIsNone(victims.explain(_loss(1003.0, "Reset", "new")), "too late")
        self.assertIsNone(victims.explain(_loss(998.0, "Reset", 11)), "before it died")
        for outcome in ("Refused", "TimedOut", "Wrong"):
            self.assertIsNone(victims.explain(_loss(1000.3, outcome, 11)), "the kernel holds the queue")


def _loss(at, outcome, server):
    # As the generator writes it, with seven digits of a second.
    moment = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f0+00:00")
    return f"{moment} {outcome} server={server} client=127.0.0.1:4000 reason"


if __name__ == "__main__":
    unittest.main()
