import UnderstudySchema

/// Reading of the parts of a study beside its grid: seeds, what to record, figures and findings.
enum StudyDeclarations {
  /// Seeds and runs beyond this are a typing error.
  static let greatestSeedCount = 1_000_000

  /// A count n, which means 1, 2, ..., n, or a list.
  static func seeds(_ tree: YAMLTree) throws(StudyError) -> [Int] {
    guard case .list(let items) = tree.content else {
      guard tree.integralValue.isIntegral else {
        throw tree.wrongType(
          key: "seeds", expected: "an integer", remedy: "give a count, e.g. seeds: 4, or a list, e.g. seeds: [1, 2, 3]")
      }
      let count = try tree.integer(key: "seeds", atLeast: 1, atMost: greatestSeedCount)
      return Array(1...count)
    }
    var seeds: [Int] = []
    var known: Set<Int> = []
    for item in items {
      let seed = try item.integer(key: "seeds", atLeast: 0, atMost: Int.max)
      guard known.insert(seed).inserted else {
        throw item.error(.duplicateValue, key: "seeds", "seed \(seed) is listed twice", "list each seed once")
      }
      seeds.append(seed)
    }
    guard !seeds.isEmpty else {
      throw tree.error(.emptyList, key: "seeds", "an empty list", "give a count, e.g. seeds: 4, or a list of seeds")
    }
    return seeds
  }

  static func record(
    _ tree: YAMLTree, settings: [Setting], notice: (String) -> Void = { _ in }
  ) throws(StudyError) -> [RecordRule] {
    let deepWidths = settings.lazy.filter { $0.teacher.file == nil }.compactMap(\.teacher.widths)
      .first { $0.nodes.count > 1 }
    var rules: [RecordRule] = []
    for item in tree.items {
      let entries = try item.entries(key: "record", known: ["measures", "every", "epochs", "last"])
      var measures: [Measure] = []
      for name in entries["measures"]?.items ?? [] {
        let measure: Measure
        if case .scalar(.text(let text), _) = name.content, let former = Measure(named: text), former.formerName == text
        {
          notice("\(name.place.origin): the measure \(text) is called \(former.rawValue) now; it is read as that")
          measure = former
        } else {
          measure = try name.choice(of: Measure.self, key: "record.measures", what: "measure")
        }
        guard !measures.contains(measure) else {
          throw name.error(
            .duplicateValue, key: "record.measures", "\(measure.rawValue) is listed twice", "list each measure once")
        }
        if let deepWidths, Measure.ofTwoLayers.contains(measure) {
          throw name.error(
            .contradiction, key: "record.measures",
            "\(measure.rawValue) is for networks of one hidden layer, and teacher.widths \(deepWidths) has "
              + "\(deepWidths.nodes.count)", "leave it out, or make a study of one hidden layer for it")
        }
        measures.append(measure)
      }
      guard !measures.isEmpty else {
        throw item.error(
          .missingKey, key: "record.measures", "a rule without measures",
          "e.g. {measures: [evaluationLoss], every: 1}")
      }
      rules.append(RecordRule(measures: measures, moments: try moments(entries, item)))
    }
    guard !rules.isEmpty else {
      throw tree.error(
        .emptyList, key: "record", "an empty list", "leave record out to record the usual measures, or give a rule")
    }
    return rules
  }

  private static func moments(_ entries: [String: YAMLTree], _ item: YAMLTree) throws(StudyError) -> RecordRule.Moments
  {
    let given = ["every", "epochs", "last"].filter { entries[$0] != nil }
    guard given.count == 1, let name = given.first, let tree = entries[name] else {
      throw item.error(
        .missingKey, key: "record",
        given.isEmpty ? "a rule that does not say when" : "both \(given[0]) and \(given[1])",
        "give one of every: N, epochs: [...] and last: true")
    }
    switch name {
    case "every": return .every(try tree.integer(key: "record.every", atLeast: 1))
    case "epochs": return .epochs(try epochs(tree, key: "record.epochs"))
    default:
      guard case .scalar(.boolean(true), _) = tree.content else {
        throw tree.wrongType(key: "record.last", expected: "true", remedy: "write last: true, or remove the rule")
      }
      return .last
    }
  }

  /// A list of epochs, or one; ascending.
  private static func epochs(_ tree: YAMLTree, key: String) throws(StudyError) -> [Int] {
    var epochs: [Int] = []
    for item in tree.items {
      let epoch = try item.integer(key: key, atLeast: 0)
      guard !epochs.contains(epoch) else {
        throw item.error(.duplicateValue, key: key, "epoch \(epoch) is listed twice", "list each epoch once")
      }
      epochs.append(epoch)
    }
    guard !epochs.isEmpty else {
      throw tree.error(
        .emptyList, key: key, "an empty list", "give epochs, e.g. [0, 5, 100]; 0 is before the first step")
    }
    return epochs.sorted()
  }

  static func figures(_ tree: YAMLTree, settings: [Setting]) throws(StudyError) -> [FigureDeclaration] {
    var figures: [FigureDeclaration] = []
    for item in tree.items {
      let known = ["name", "kind", "caption", "where", "epochs", "height", "against", "style"]
      let entries = try item.entries(key: "figures", known: known + FigureDeclaration.Kind.plotOptions)
      guard let nameTree = entries["name"], let kindTree = entries["kind"] else {
        throw item.error(
          .missingKey, key: "figures", "a figure without \(entries["name"] == nil ? "name" : "kind")",
          "e.g. {name: l-shape, kind: lShape}")
      }
      let name = try nameTree.text(key: "figures.name")
      guard FigureDeclaration.isFileName(name) else {
        throw nameTree.error(
          .outOfRange, key: "figures.name", "\(jsonText(name)) cannot be a file's name",
          "use letters, digits, - and _")
      }
      guard !figures.contains(where: { $0.name == name }) else {
        throw nameTree.error(
          .duplicateValue, key: "figures.name", "two figures are called \(name)", "give each its own name")
      }
      let kind = try kindTree.choice(of: FigureDeclaration.Kind.self, key: "figures.kind", what: "figure kind")
      var figure = FigureDeclaration(
        name: name, kind: kind,
        caption: try entries["caption"]?.text(key: "figures.caption").trimmed ?? "",
        selection: try selection(entries["where"], key: "figures.where", settings: settings),
        epochs: try entries["epochs"].map { tree throws(StudyError) in
          try epochs(tree, key: "figures.epochs")
        } ?? [], plot: try plot(entries, of: kind, item))
      try readOptions(entries, into: &figure)
      figures.append(figure)
    }
    return figures
  }

  /// Assignments of the command line, `key=value` or `key=[value, value]`, as a selection.
  static func selection(_ assignments: [String], settings: [Setting]) throws(StudyError) -> [String: [KeyValue]] {
    var fields: [String] = []
    for assignment in assignments {
      guard let sign = assignment.firstIndex(of: "="), sign > assignment.startIndex else {
        throw StudyError(
          .syntax, origin: "--where \(assignment)", problem: "expected key=value",
          remedy: "e.g. --where teacher.strengthDecay=1")
      }
      fields.append("\(assignment[..<sign]): \(assignment[assignment.index(after: sign)...])")
    }
    let tree = try YAMLTree.parse("{\(fields.joined(separator: ", "))}", origin: "--where", countsLines: false)
    let selected = try selection(tree, key: "where")
    guard settings.contains(where: { $0.matches(selected) }) else {
      let values = selected.keys.sorted().map { key in
        let values = settings.map { $0.value(of: key)?.description ?? "none" }.distinct
        return "\(key) is \(values.joined(separator: ", "))"
      }
      throw StudyError(
        .emptySelection, origin: "--where \(assignments.joined(separator: " --where "))",
        problem: "no setting of the study has \(assignments.count == 1 ? "it" : "all of them")",
        remedy: "in the study \(values.joined(separator: "; "))")
    }
    return selected
  }

  /// `where`: setting keys, nested or dotted, with the values to keep. Must leave at least one setting.
  static func selection(
    _ tree: YAMLTree?, key: String, settings: [Setting]
  ) throws(StudyError) -> [String: [KeyValue]] {
    guard let tree, !tree.isNull else { return [:] }
    let selected = try selection(tree, key: key)
    guard settings.contains(where: { $0.matches(selected) }) else {
      throw tree.error(
        .emptySelection, key: key, "no setting of the study has what it selects",
        "give values that the grid has, or replace figures and findings too (--set figures=[] --set findings=[])")
    }
    return selected
  }

  private static func selection(_ tree: YAMLTree, key: String) throws(StudyError) -> [String: [KeyValue]] {
    guard case .mapping = tree.content else {
      throw tree.wrongType(key: key, expected: "keys", remedy: "e.g. where: {teacher.hiddenNodes: 10}")
    }
    var selection: [String: [KeyValue]] = [:]
    let layer = try StudyOverlay(tree)
    for (path, tree) in layer.values.sorted(by: { $0.key < $1.key }) {
      guard let studyKey = StudyKey.named(path), studyKey.form != .file else {
        throw tree.error(
          .unknownKey, key: "\(key).\(path)", "cannot select by \(path)",
          "select by a setting's key" + (path == "seeds" ? "; seeds are chosen on the command line, by --seed" : ""))
      }
      var values: [KeyValue] = []
      for item in tree.items { values.append(try studyKey.checked(item)) }
      guard !values.isEmpty else {
        throw tree.error(.emptyList, key: "\(key).\(path)", "an empty list", "give values, or leave the key out")
      }
      selection[path] = values
    }
    return selection
  }
}

extension Study {
  /// What `--where` says, e.g. `teacher.strengthDecay=1`: keys with the values to keep.
  ///
  /// - Throws: ``StudyError`` for unknown keys, values out of range, and a selection that leaves no setting.
  public func selection(_ assignments: [String]) throws(StudyError) -> [String: [KeyValue]] {
    try StudyDeclarations.selection(assignments, settings: settings)
  }
}
