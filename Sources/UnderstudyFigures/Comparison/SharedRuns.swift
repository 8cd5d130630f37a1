import UnderstudySchema

/// Runs that two studies of a comparison both have: the same training, whatever each of them recorded of it.
public struct SharedRuns: Sendable, Hashable {
  /// Names of the studies.
  public var first: String
  public var second: String
  public var count: Int
  /// Runs of each study in the comparison.
  public var firstCount: Int
  public var secondCount: Int
  /// The first of them, in the first study's words.
  public var example: String

  /// For people.
  public var sentence: String {
    let (runs, same) =
      count == 1 ? ("1 run", "this is one training") : ("\(count) runs", "these are the same trainings")
    return
      "\(first) (\(firstCount) runs) and \(second) (\(secondCount)) share \(runs), e.g. \(example): \(same), not two samples. "
      + "Compared with itself such a run differs by 0, and both folders together count it twice."
  }
}

extension StudyComparison {
  /// Runs that two studies share: of equal settings and seeds, since a run follows from these alone.
  ///
  /// - Complexity: O(runs).
  public var sharedRuns: [SharedRuns] {
    let study = results.study
    let names = study.origins.distinct
    let texts = study.settings.map(\.canonicalText)
    struct Training: Hashable {
      var setting: String
      var seed: Int
    }
    let runs = names.map { name in results.runs.filter { study.origins[$0.run.settingIndex] == name } }
    let trainings = runs.map { runs in
      Set(runs.map { Training(setting: texts[$0.run.settingIndex], seed: $0.run.seed) })
    }
    var found: [SharedRuns] = []
    for first in names.indices {
      for second in names.indices where second > first {
        let shared = trainings[first].intersection(trainings[second])
        let example = runs[first].first {
          shared.contains(Training(setting: texts[$0.run.settingIndex], seed: $0.run.seed))
        }
        guard let example else { continue }
        found.append(
          SharedRuns(
            first: names[first], second: names[second], count: shared.count, firstCount: runs[first].count,
            secondCount: runs[second].count, example: example.label(study: study, namesOrigin: false)))
      }
    }
    return found
  }
}
