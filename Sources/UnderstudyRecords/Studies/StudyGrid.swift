import Foundation
import UnderstudySchema

/// The settings of a study, made of the lists that its keys give.
struct StudyGrid {
  private(set) var settings: [Setting] = []
  private(set) var variedKeys: [String] = []
  private(set) var zippedKeys: [[String]] = []

  /// - Parameters:
  ///   - layer: all layers put together.
  ///   - folder: what relative file paths are relative to.
  ///   - kept: the file that was at a path, if a results folder keeps it; asked for those that are missing.
  /// - Throws: `StudyError`: types, ranges, empty lists, equal values, missing files, keys without effect.
  init(_ layer: StudyOverlay, folder: URL, kept: (String) -> SourceFile?) throws(StudyError) {
    zippedKeys = try Self.zippedKeys(layer)
    var axes: [Axis] = []
    for key in StudyKey.all {
      guard let tree = layer.values[key.path], !tree.isNull else { continue }
      let isZipped = zippedKeys.contains { $0.contains(key.path) }
      axes.append(try Axis(key, tree, mayRepeat: isZipped, folder: folder, kept: kept))
    }
    try checkZips(axes, layer)
    try StudyConditions(layer).apply(to: &axes, zippedKeys: &zippedKeys)
    variedKeys = axes.filter { Set($0.values).count > 1 }.map(\.key.path)
    var start = Setting()
    let given = Set(axes.map(\.key.path))
    if given.contains("training.batches.file") {
      // The file's shape says what is not given: 0 stands for it (see TrainingSetting).
      if !given.contains("training.batchSize") { start.training.batchSize = 0 }
      if !given.contains("training.stepsPerEpoch") { start.training.stepsPerEpoch = 0 }
    }
    settings = [start]
    for axis in axes {
      // The first key of those that go together brings in all of them.
      let together = zippedKeys.first { $0.contains(axis.key.path) } ?? [axis.key.path]
      let group = axes.filter { together.contains($0.key.path) }
      guard group.first?.key.path == axis.key.path else { continue }
      guard settings.count * axis.values.count <= SettingGrid.greatestCount else {
        throw axis.tree.error(
          .outOfRange, key: axis.key.path, "the grid has more than \(SettingGrid.greatestCount) settings",
          "shorten the lists, or make several studies")
      }
      settings = StudyKey.spread(group.map { ($0.key, $0.values) }, over: settings)
    }
    try check(axes)
  }

  /// `zip`: lists of keys.
  private static func zippedKeys(_ layer: StudyOverlay) throws(StudyError) -> [[String]] {
    guard let tree = layer.values["zip"], !tree.isNull else { return [] }
    let remedy = "give lists of keys, e.g. zip: [[training.batchSize, training.learningRate]]"
    guard case .list(let lists) = tree.content else {
      throw tree.wrongType(key: "zip", expected: "lists of keys", remedy: remedy)
    }
    var groups: [[String]] = []
    for list in lists {
      guard case .list(let items) = list.content, items.count > 1 else {
        throw list.wrongType(key: "zip", expected: "a list of two keys or more", remedy: remedy)
      }
      var group: [String] = []
      for item in items {
        let name = try item.text(key: "zip")
        guard let path = StudyKey.named(name)?.path else {
          throw item.error(
            .unknownKey, key: "zip", "unknown key \(jsonText(name))",
            unknownNameRemedy(for: name, among: StudyKey.all.map(\.path)))
        }
        guard !(groups + [group]).contains(where: { $0.contains(path) }) else {
          throw item.error(.duplicateValue, key: "zip", "\(path) is listed twice", "list each key once")
        }
        group.append(path)
      }
      groups.append(group)
    }
    return groups
  }

  private func checkZips(_ axes: [Axis], _ layer: StudyOverlay) throws(StudyError) {
    guard let tree = layer.values["zip"] else { return }
    for group in zippedKeys {
      let members = group.compactMap { path in axes.first { $0.key.path == path } }
      guard members.count == group.count else {
        let missing = group.first { path in !members.contains { $0.key.path == path } } ?? ""
        throw tree.error(
          .missingKey, key: "zip", "\(missing) is zipped, and not given", "give it as many values as the others have")
      }
      for member in members where member.values.count != members[0].values.count {
        throw member.tree.error(
          .contradiction, key: member.key.path,
          "\(counted(member.values.count, "value")), and \(members[0].key.path), with which it is zipped, "
            + "has \(members[0].values.count)", "give both as many, or unzip them (--set zip=null)")
      }
      let tuples = members[0].values.indices.map { index in members.map { $0.values[index] } }
      guard Set(tuples).count == tuples.count else {
        throw tree.error(
          .duplicateValue, key: "zip", "\(group.joined(separator: ", ")) have the same values twice", "list each once")
      }
    }
  }

  /// A key with the values that it takes.
  struct Axis {
    var key: StudyKey
    var tree: YAMLTree
    var values: [GridValue]

    init(_ key: StudyKey, _ tree: YAMLTree, _ values: [GridValue]) {
      (self.key, self.tree, self.values) = (key, tree, values)
    }

    /// - Parameter mayRepeat: whether a value may be listed twice.
    init(
      _ key: StudyKey, _ tree: YAMLTree, mayRepeat: Bool, folder: URL, kept: (String) -> SourceFile?
    ) throws(StudyError) {
      self.key = key
      self.tree = tree
      values = []
      var known: Set<KeyValue> = []
      for item in tree.items {
        let value = try key.checked(item)
        // Of one key all are of one type by now, so that equal ones are the same.
        guard known.insert(value).inserted || mayRepeat else {
          throw item.error(
            .duplicateValue, key: key.path, "\(value) is listed twice",
            "list each value once"
              + (key.form == .widths ? "; one network of several layers is written \(value)-\(value)" : ""))
        }
        var file: SourceFile?
        if case .text(let path) = value, key.form == .file {
          file = try SourceFile(path, relativeTo: folder, kept: kept, key: key.path, tree: item)
        } else if case .text(let name) = value, key.form == .images {
          file = try SourceFile(imagesNamed: name, relativeTo: folder, kept: kept, key: key.path, tree: item)
        }
        if !mayRepeat, let file, let twin = values.first(where: { $0.file?.digest == file.digest })?.file {
          throw item.error(
            .duplicateValue, key: key.path, "\(file.path) holds what \(twin.path) does", "list each content once")
        }
        values.append(GridValue(value: value, file: file))
      }
      guard !values.isEmpty else {
        throw tree.error(.emptyList, key: key.path, "an empty list", "give \(key.form.phrase), or leave the key out")
      }
    }
  }

  private func check(_ axes: [Axis]) throws(StudyError) {
    for axis in axes {
      // A key must have an effect in one setting at least; the training inputs' file in all, for its rivals are settings
      // (teacherBoundaries, regenerateEachEpoch) that would silently put drawn inputs in its place.
      let reasons = settings.lazy.map(axis.key.idleReason)
      let isNeededEverywhere = axis.key.path == "inputs.training.file"
      let isIdle = isNeededEverywhere ? reasons.contains { $0 != nil } : reasons.allSatisfy { $0 != nil }
      let reason = isIdle ? reasons.compactMap { $0 }.first : nil
      if let reason {
        throw axis.tree.error(
          .unusedKey, key: axis.key.path,
          "has no effect in \(isNeededEverywhere ? "a" : "any") setting of this study, because \(reason)",
          "remove it (on the command line: --set \(axis.key.path)=null), or what makes it idle")
      }
    }
    for contradiction in SettingContradiction.all {
      guard let (problem, remedy) = settings.lazy.compactMap(contradiction.find).first else { continue }
      // Named by a key that is given: of two defaults there is no contradiction.
      guard let axis = contradiction.keys.lazy.compactMap({ key in axes.first { $0.key.path == key } }).first else {
        continue
      }
      throw axis.tree.error(.contradiction, key: axis.key.path, problem, remedy)
    }
    for axis in axes where axis.key.form == .factors { try checkFactors(axis) }
    if let schedules = axes.first(where: { $0.key.path == "training.learningRates" }) {
      try checkEnds(of: schedules)
    }
    let offsets = axes.first { $0.key.path.hasPrefix("inputs.boundaryOffset") }
    for setting in settings where setting.inputs.boundaryOffsetMaximum < setting.inputs.boundaryOffsetMinimum {
      guard let offsets else { break }
      throw offsets.tree.error(
        .contradiction, key: "inputs.boundaryOffsetMaximum",
        "\(setting.inputs.boundaryOffsetMaximum) is below boundaryOffsetMinimum "
          + "\(setting.inputs.boundaryOffsetMinimum)", "give a maximum of at least the minimum in every setting")
    }
  }

  /// Equal factors are one number, but must be as many as the teacher has layers all the same.
  private func checkFactors(_ axis: Axis) throws(StudyError) {
    for item in axis.tree.items {
      guard case .scalar(.text, let written) = item.content else { continue }
      let value = try axis.key.checked(item)
      let count = written.split(separator: "-").count
      for setting in settings where axis.key.read(setting)?.isSame(as: value) ?? false {
        guard let (problem, remedy) = setting.overRealizationObjection(count: count) else { continue }
        throw item.error(.contradiction, key: axis.key.path, problem, remedy)
      }
    }
  }

  /// Each schedule must come to its last rate in one setting at least.
  private func checkEnds(of schedules: Axis) throws(StudyError) {
    let epochs = settings.map(\.training.epochs).max() ?? 0
    for schedule in Set(settings.compactMap(\.training.learningRates)) {
      guard let last = schedule.entries.last, last.start >= epochs else { continue }
      throw schedules.tree.error(
        .contradiction, key: schedules.key.path,
        "the rate from epoch \(last.start) on has no effect, because training.epochs is \(epochs)",
        "leave that entry out, or train for more epochs")
    }
  }
}

extension StudyKey {
  /// The value of a scalar, checked for type and range: integers become numbers where numbers are asked for.
  func checked(_ tree: YAMLTree) throws(StudyError) -> KeyValue {
    let example = defaultValue.map { ", e.g. \($0)" } ?? ""
    let remedy = "give \(form.phrase)" + example
    func typeError() -> StudyError { tree.wrongType(key: path, expected: form.typeName, remedy: remedy) }
    guard case .scalar(let value, let written) = tree.content else { throw typeError() }
    switch form {
    case .integer(let range):
      let (integer, isIntegral) = tree.integralValue
      guard isIntegral else { throw typeError() }
      guard let integer, range.contains(integer) else {
        throw outOfRange(tree, "give \(tree.integerPhrase(range))" + example)
      }
      return .integer(integer)
    case .number(let range):
      guard let number = value.number else { throw typeError() }
      return try checked(number, range, tree, written, remedy)
    case .boolean:
      guard case .boolean = value else { throw typeError() }
      return value
    case .choice(let names):
      guard names.contains(written) else {
        throw tree.error(
          .unknownName, key: path, "unknown value \(jsonText(written))",
          "\(unknownNameRemedy(for: written, among: names)); \(remedy)")
      }
      return .text(written)
    case .file, .images:
      guard !written.isEmpty else { throw typeError() }
      return .text(written)
    // Texts of one meaning become one text, so that runs of one meaning have one hash.
    case .widths: return try canonical(tree, written, remedy, LayerWidths.init)
    case .schedule: return try canonical(tree, written, remedy, LearningRateSchedule.init)
    case .layers: return try canonical(tree, written, remedy, LayerList.init)
    case .shares: return try canonical(tree, written, remedy, LayerShares.init)
    case .normalization: return try canonical(tree, written, remedy, ChannelNormalizationSetting.init)
    case .factors:
      guard let number = value.number else {
        return try spelt(tree, remedy) { () throws(TextFormError) in try OverRealization(written).keyValue }
      }
      return try checked(number, NumberRange.factor, tree, written, remedy)
    }
  }

  private func checked(
    _ number: Double, _ range: NumberRange, _ tree: YAMLTree, _ written: String, _ remedy: String
  ) throws(StudyError) -> KeyValue {
    guard number.isFinite else { throw tree.error(.outOfRange, key: path, "\(written) is not finite", remedy) }
    guard range.contains(number) else { throw outOfRange(tree, remedy) }
    return .number(number + 0)  // + 0 makes -0 and 0 one value.
  }

  private func canonical<Value: CustomStringConvertible>(
    _ tree: YAMLTree, _ written: String, _ remedy: String, _ value: (String) throws(TextFormError) -> Value
  ) throws(StudyError) -> KeyValue {
    try spelt(tree, remedy) { () throws(TextFormError) in .text(try value(written).description) }
  }

  private func spelt(
    _ tree: YAMLTree, _ remedy: String, _ value: () throws(TextFormError) -> KeyValue
  ) throws(StudyError) -> KeyValue {
    do throws(TextFormError) {
      return try value()
    } catch {
      switch error {
      case .notOfTheForm: throw tree.wrongType(key: path, expected: form.typeName, remedy: remedy)
      case .outOfRange(let problem): throw tree.error(.outOfRange, key: path, problem, remedy)
      }
    }
  }

  private func outOfRange(_ tree: YAMLTree, _ remedy: String) -> StudyError {
    let isNarrow = path == "student.overRealization" && (tree.scalarNumber.map { $0 < 1 } ?? false)
    let problem =
      isNarrow ? "\(tree.found) makes the student narrower than its teacher" : "\(tree.found) is out of range"
    return tree.error(.outOfRange, key: path, problem, remedy)
  }
}

extension YAMLTree {
  fileprivate var scalarNumber: Double? {
    if case .scalar(let value, _) = content { value.number } else { nil }
  }
}

extension SourceFile {
  /// Finds a file and hashes its bytes.
  fileprivate init(
    _ path: String, relativeTo folder: URL, kept: (String) -> SourceFile?, key: String, tree: YAMLTree
  ) throws(StudyError) {
    let url = path.hasPrefix("/") ? URL(fileURLWithPath: path) : folder.appendingPathComponent(path)
    let absolute = url.standardizedFileURL.path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: absolute, isDirectory: &isFolder) else {
      if let file = kept(absolute) {
        self = file
        return
      }
      throw tree.error(
        .missingFile, key: key, "no file \(absolute)", "paths are relative to the study file's folder: \(folder.path)")
    }
    guard !isFolder.boolValue else {
      throw tree.error(.missingFile, key: key, "\(absolute) is a folder", "name a file")
    }
    do {
      self.init(path: absolute, digest: contentHash(try Data(contentsOf: URL(fileURLWithPath: absolute))))
    } catch {
      throw tree.error(.missingFile, key: key, "cannot read \(absolute)", "check that you may read it")
    }
  }

  /// Finds a set of images by its name or folder, and hashes its files.
  fileprivate init(
    imagesNamed name: String, relativeTo folder: URL, kept: (String) -> SourceFile?, key: String, tree: YAMLTree
  ) throws(StudyError) {
    let known = ImageFolder.folderNames[name] != nil
    let places =
      known
      ? ImageFolder.candidates(name, in: ImageFolder.places).map { URL(fileURLWithPath: $0) }
      : [name.hasPrefix("/") ? URL(fileURLWithPath: name) : folder.appendingPathComponent(name)]
    let paths = places.map(\.standardizedFileURL.path)
    if let path = paths.first(where: ImageFolder.isFolder), let digest = ImageFolder.digest(of: path) {
      self.init(path: path, digest: digest)
    } else if let set = paths.lazy.compactMap(kept).first {
      self = set
    } else {
      throw tree.error(
        .missingFile, key: key, known ? "no set \(name) on this machine" : "no set of images in \(paths[0])",
        "understudy data list tells what is here and how to get what is not")
    }
  }
}
